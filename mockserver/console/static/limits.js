// The panel of rate limits: each sliding window as a band of time that ends now, with the requests that fill it.

import { get, newestEntries, of } from "./admin.js";
import { clockOf } from "./ticking.js";
import { duration, h, redraw, s, soon, timeOfDay } from "./dom.js";

const WIDTH = 600, HEIGHT = 44;
const MOST = 1000; // requests that are looked at
const MARK = 5, LEAST = 3; // how wide a request is drawn, and how many have room on each other at least
const TEETH = 60; // requests that are drawn one by one; more are drawn as columns

// Whether a request took a place in its window: it got past the key and the limit, and no rule refused it there.
function counts(entry) {
  if (["", "route", "key", "limit"].includes(entry.stage)) return false;
  return !(entry.stage === "rule" && [401, 403, 429].includes(entry.status)) && !(entry.stage === "rule" && entry.status >= 500);
}

export async function show({ sandbox, box, link, onEntry, failed, query, note }) {
  let used = query.used !== "no";
  const list = h("div", { class: "cards" });
  let limits = [], entries = [], ticking = null;

  async function load() {
    try {
      const [shown, clock] = await Promise.all([get(of(sandbox, "/limits")), get(of(sandbox, "/clock"))]);
      limits = shown.limits;
      ticking = clockOf(clock);
      draw();
    } catch (error) {
      failed(error);
    }
  }

  function draw() {
    if (!ticking) return;
    const now = ticking();
    const concerned = (limit) => entries.filter((entry) => entry.api === limit.api && entry.operation === limit.operation
      && entry.at > now - limit.window && entry.at <= now);
    const cards = limits.map((limit) => [limit, concerned(limit)]);
    const some = cards.filter(([limit, inside]) => !used || inside.length || limit.remaining < limit.max);
    redraw(list, some.length ? some.map(([limit, inside]) => card(limit, inside, now, link))
      : [h("p", { class: "quiet" }, limits.length ? "No window holds a request now." : "No operation has a rate limit.")]);
  }

  box.append(h("h1", {}, "Rate limits"),
    h("p", { class: "quiet" }, "Each band is the window that ends now, on the sandbox's clock. A line is a request that took a place in it, a red one was refused."),
    h("p", {}, h("label", { class: "check" }, h("input", { type: "checkbox", checked: used, onchange: (event) => {
      used = event.target.checked;
      note({ used: used ? "" : "no" });
      draw();
    } }), " only windows in use")), list);
  const later = soon(load, 150);
  const stop = onEntry((entry) => { entries = [...entries.slice(1 - MOST), entry]; later(); });
  const before = await newestEntries(sandbox, MOST);
  const newest = before.at(-1)?.number ?? 0;
  entries = [...before, ...entries.filter((entry) => entry.number > newest)].slice(-MOST);
  await load();
  const timer = setInterval(() => { if (ticking?.rate) load(); }, 2000);
  return () => { stop(); clearInterval(timer); later.stop(); };
}

function card(limit, inside, now, link) {
  const taken = limit.max - limit.remaining;
  const full = limit.remaining === 0;
  const admitted = inside.filter(counts), refused = inside.filter((entry) => entry.stage === "limit" || entry.status === 429);
  return h("section", { class: `card${full ? " full" : ""}` },
    h("h2", {}, limit.operation, h("span", { class: "quiet" }, ` ${limit.api}`)),
    h("p", {}, h("strong", {}, `${taken} of ${limit.max}`), ` in ${duration(limit.window)}. `,
      full ? `The next is admitted at ${timeOfDay(limit.free_at)}, in ${duration(Math.max(0, limit.free_at - now))}.`
        : `${limit.remaining} more are admitted now.`),
    h("progress", { max: limit.max, value: taken, "aria-label": `Places taken in the window of ${limit.operation}` }),
    band(limit, admitted, refused, now, link),
    admitted.length > taken ? h("p", { class: "quiet" }, "The figures are those of callers without a tenant; the lines are everyone's.") : null);
}

function band(limit, admitted, refused, now, link) {
  const x = (at) => ((at - (now - limit.window)) / limit.window) * WIDTH;
  const svg = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", class: "band", role: "group",
    "aria-label": `The last ${duration(limit.window)} of ${limit.operation}` },
  s("rect", { x: 0, y: 0, width: WIDTH, height: HEIGHT, class: "ground" }));
  for (let part = 1; part < 4; part += 1) svg.append(s("line", { x1: part * WIDTH / 4, x2: part * WIDTH / 4, y1: 0, y2: HEIGHT, class: "grid" }));
  const all = [...admitted.map((entry) => [entry, "in"]), ...refused.map((entry) => [entry, "out"])];
  if (all.length > TEETH) svg.append(...columns(limit, admitted, refused, now));
  else {
    // Those of one moment stand on each other, the oldest at the bottom.
    const moments = [...Map.groupBy(all, ([entry]) => Math.round(Math.min(x(entry.at), WIDTH - MARK) / (MARK + 1)))];
    const high = HEIGHT / Math.max(LEAST, ...moments.map(([, some]) => some.length));
    for (const [slot, some] of moments) {
      some.forEach(([entry, kind], index) => {
        const words = `#${entry.number} at ${timeOfDay(entry.at)}: ${entry.method} ${entry.path}, ${entry.status || "lost"}, by ${userOf(entry)}`;
        svg.append(s("a", { href: link("exchanges", [entry.number]), "aria-label": words },
          s("title", {}, words), s("rect", { x: slot * (MARK + 1), y: HEIGHT - (index + 1) * high + .5, width: MARK, height: high - 1, class: kind })));
      });
    }
  }
  return [svg, h("p", { class: "axis" }, h("span", {}, timeOfDay(now - limit.window, false)), h("span", {}, `now ${timeOfDay(now, false)}`))];
}

// Who sent a request, as it says of itself.
function userOf(entry) {
  const tenant = entry.request.headers["datagrid-teamspace"];
  return [entry.request.headers["user-agent"] ?? "a client without a name", tenant && `in teamspace ${tenant}`].filter(Boolean).join(" ");
}

// Many requests as columns: sixty parts of the window, each as high as its share of the fullest.
function columns(limit, admitted, refused, now) {
  const parts = Array.from({ length: TEETH }, () => ({ in: 0, out: 0, users: new Map() }));
  const put = (entries, kind) => {
    for (const entry of entries) {
      const part = parts[Math.min(TEETH - 1, Math.floor(((entry.at - now + limit.window) / limit.window) * TEETH))];
      part[kind] += 1;
      part.users.set(userOf(entry), (part.users.get(userOf(entry)) ?? 0) + 1);
    }
  };
  put(admitted, "in");
  put(refused, "out");
  const most = Math.max(...parts.map((part) => part.in + part.out));
  const wide = WIDTH / TEETH;
  return parts.flatMap((part, index) => {
    const high = (count) => (count / most) * HEIGHT;
    const words = `${part.in} admitted, ${part.out} refused; by ${[...part.users].map(([user, count]) => `${user} (${count})`).join(", ")}`;
    return [s("rect", { x: index * wide + 1, y: HEIGHT - high(part.in), width: wide - 2, height: high(part.in), class: "in" }, s("title", {}, words)),
      s("rect", { x: index * wide + 1, y: HEIGHT - high(part.in + part.out), width: wide - 2, height: high(part.out), class: "out" }, s("title", {}, words))];
  });
}
