// Tells what somebody else did to the sandbox or to the server, and has the panel shown anew; while somebody writes in the
// panel, it only offers to. Must not know: the admin API, or which panels there are.

import { button, h, soon, timeOfDay } from "./dom.js";

const PAUSE = 300; // milliseconds in which several changes become one

// `refresh` draws the panel anew. Gives a function that tells a sentence; `isNew` says whether the panel is to be drawn.
export function newsTo(place, refresh) {
  const clear = () => place.replaceChildren();
  const draw = soon(refresh, PAUSE);

  function tell(sentence, isNew = true) {
    const isWriting = document.activeElement?.matches("main textarea, main input, main select");
    if (isNew && !isWriting) draw();
    place.replaceChildren(h("p", {}, h("span", {}, `${timeOfDay(Date.now() / 1000, false)} UTC: ${sentence}`), " ",
      isNew && isWriting ? [button("Show it", () => { clear(); refresh(); }), " "] : null, button("Dismiss", clear)));
  }
  tell.clear = clear;
  return tell;
}

// What was steered, in a sentence.
export function steeredSentence({ what, anew, scenario, clock }) {
  if (what.includes("reset")) return "Somebody has reset this sandbox: its state and its journal began anew.";
  if (what.includes("scenario")) {
    const first = scenario === null ? "Somebody has removed the scenario" : `Somebody has set the scenario ${scenario}`;
    return anew ? `${first}: the sandbox began anew.` : `${first}.`;
  }
  return `Somebody has set the clock: it stands at ${clock.iso} and ${clock.mode === "frozen" ? "is frozen" : `runs ${clock.rate} times as fast as real time`}.`;
}
