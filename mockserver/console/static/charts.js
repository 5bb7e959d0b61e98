// Small line charts: each line has a dash of its own and its name and last value in words, so that colour tells nothing
// that the text does not. Must not know: the admin API, or what is drawn.

import { duration, h, s } from "./dom.js";

const WIDTH = 600, HEIGHT = 110, MARGIN = 6;

// The least round number that is not below a value.
export function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value * (1 - 1e-9));
}

// A chart of `lines`, each {name, points}; a point is [time, value], null where there is none. The times run from `from`
// to `to`, in milliseconds; `format` writes a value.
export function chart({ title, lines, from, to, format }) {
  const values = lines.flatMap((line) => line.points.map(([, value]) => value ?? 0));
  const top = roundUp(Math.max(0, ...values));
  const x = (time) => ((time - from) / (to - from)) * WIDTH;
  const y = (value) => HEIGHT - MARGIN - (value / top) * (HEIGHT - 2 * MARGIN);
  const svg = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", class: "band chart", role: "img",
    "aria-label": `${title}: ${lines.map((line) => `${line.name} ${last(line, format)}`).join(", ")}` },
  s("rect", { x: 0, y: 0, width: WIDTH, height: HEIGHT, class: "ground" }),
  [0.5, 1].map((part) => s("line", { x1: 0, x2: WIDTH, y1: y(top * part), y2: y(top * part), class: "grid" })),
  lines.map((line, index) => s("path", { class: `line-${index}`, d: path(line.points, x, y) })));
  return h("figure", { class: "card" }, h("figcaption", {}, h("h2", {}, title)),
    h("p", { class: "legend" }, lines.map((line, index) => h("span", {}, sample(index), line.name, " ", h("strong", {}, last(line, format))))),
    h("p", { class: "axis" }, h("span", {}, `up to ${format(top)}`)), svg,
    h("p", { class: "axis" }, h("span", {}, `${duration((to - from) / 1000)} ago`), h("span", {}, "now")));
}

function last(line, format) {
  const value = line.points.at(-1)?.[1];
  return value === null || value === undefined ? "none" : format(value);
}

function sample(index) {
  return s("svg", { viewBox: "0 0 24 8", class: "band sample", "aria-hidden": "true" }, s("path", { class: `line-${index}`, d: "M0 4H24" }));
}

// A line that breaks where there is no value. A value that stands alone is a short stroke.
function path(points, x, y) {
  let d = "", isOpen = false;
  for (const [time, value] of points) {
    if (value === null) { isOpen = false; continue; }
    d += isOpen ? `L${x(time).toFixed(1)} ${y(value).toFixed(1)}` : `M${x(time).toFixed(1)} ${y(value).toFixed(1)}h.1`;
    isOpen = true;
  }
  return d;
}
