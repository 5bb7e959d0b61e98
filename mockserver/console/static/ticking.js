// A sandbox's clock as it goes on between two looks at it.

// A function that tells the clock's time now, in epoch seconds; its `rate` is test seconds per real second.
export function clockOf({ now, mode, rate }) {
  const started = performance.now(), speed = mode === "frozen" ? 0 : rate;
  const tell = () => now + ((performance.now() - started) / 1000) * speed;
  tell.rate = speed;
  return tell;
}
