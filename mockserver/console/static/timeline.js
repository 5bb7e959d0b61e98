// Time lines: events as marks on a band of time, each with its words; what is to come stands behind the line of now.
// Must not know: the admin API, or what happened.

import { duration, h, s, timeOfDay } from "./dom.js";

const WIDTH = 600, HEIGHT = 44, MARK = 6;

// `events` are {at, kind, words, href}, in epoch seconds; `kind` is "in", "out" (it failed) or "due". `now` is drawn when
// it is given. A single event without it needs no line.
export function timeline({ title, events, now }) {
  if (events.length < 2 && now === undefined) return "";
  const times = [...events.map((event) => event.at), ...(now === undefined ? [] : [now])];
  const from = Math.min(...times), span = Math.max(Math.max(...times) - from, 1e-3);
  const x = (at) => MARK + ((at - from) / span) * (WIDTH - 3 * MARK);
  const svg = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", class: "band", role: "group", "aria-label": title },
    s("rect", { x: 0, y: 0, width: WIDTH, height: HEIGHT, class: "ground" }),
    now === undefined ? null : s("line", { x1: x(now), x2: x(now), y1: 0, y2: HEIGHT, class: "now" }),
    events.map((event) => {
      const high = event.kind === "out" ? HEIGHT : HEIGHT - 12;
      const mark = [s("title", {}, event.words), s("rect", { x: x(event.at), y: HEIGHT - high, width: MARK, height: high, class: event.kind })];
      return event.href ? s("a", { href: event.href, "aria-label": event.words }, mark) : s("g", { role: "img", "aria-label": event.words }, mark);
    }));
  const isAhead = now !== undefined && now > from && now < from + span;
  return h("div", { class: "timeline" }, svg, h("p", { class: "axis" }, h("span", {}, timeOfDay(from)),
    isAhead ? h("span", {}, `now ${duration(now - from)} later`) : null, h("span", {}, `${duration(span)} later`)));
}
