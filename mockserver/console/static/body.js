// Shows a body: JSON with its violations marked where they are, anything else as text; a long one cut.
// Must not know: the admin API.

import { h } from "./dom.js";
import { listing, placeOf, schemaBeside } from "./excerpts.js";

const MOST = 8 * 1024; // characters of a body that a page shows unasked

function escaped(part) {
  return String(part).replaceAll("~", "~0").replaceAll("/", "~1");
}

// Lines of JSON text, each with the pointer of the value that begins on it.
function lines(value, pointer, indent, label, comma, out) {
  const pad = "  ".repeat(indent);
  const isList = Array.isArray(value);
  if (value !== null && typeof value === "object" && Object.keys(value).length) {
    const [open, close] = isList ? "[]" : "{}";
    out.push({ pointer, text: `${pad}${label}${open}` });
    const entries = Object.entries(value);
    entries.forEach(([key, item], index) => {
      const name = isList ? "" : `${JSON.stringify(key)}: `;
      lines(item, `${pointer}/${escaped(key)}`, indent + 1, name, index < entries.length - 1 ? "," : "", out);
    });
    out.push({ pointer: null, text: `${pad}${close}${comma}` });
  } else {
    out.push({ pointer, text: `${pad}${label}${JSON.stringify(value)}${comma}` });
  }
  return out;
}

// The pointer of the line that a violation is marked at: a member that is missing, where it is missing.
function nearest(pointer, known) {
  let place = pointer;
  while (place && !known.has(place)) place = place.slice(0, place.lastIndexOf("/"));
  return place;
}

// The text of a body as it is copied and measured.
export function bodyText(body) {
  return body === null || body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body, null, 2);
}

// What the journal keeps of a body that was longer, in words; "" when it has all of it.
export function keptOf(message) {
  if (!message?.whole_bytes) return "";
  const kept = new TextEncoder().encode(bodyText(message.body)).length;
  return `the first ${kept.toLocaleString("en")} of ${message.whole_bytes.toLocaleString("en")} bytes`;
}

// A body. `violations` are those that lie in it; `whole` is the link to all of it, null to show all of it here; `kept` is
// what the journal keeps of a longer one.
export function bodyView(body, violations, whole, kept = "") {
  if (body === null || body === undefined) {
    return h("div", {}, h("p", { class: "quiet" }, "No body."), violations.length ? violationList(violations) : null);
  }
  const text = bodyText(body);
  const isCut = whole !== null && text.length > MOST;
  const shown = typeof body === "string" ? text.split("\n").map((line) => ({ pointer: null, text: line }))
    : lines(body, "", 0, "", "", []);
  const known = new Set(shown.map((line) => line.pointer));
  const marks = new Map();
  for (const violation of violations) {
    const place = nearest(violation.pointer, known);
    marks.set(place, [...(marks.get(place) ?? []), violation]);
  }
  const pre = h("pre", { class: "body", tabindex: 0, "aria-label": "Body" });
  let room = isCut ? MOST : Infinity;
  for (const line of shown) {
    const faults = line.pointer === null ? [] : marks.get(line.pointer) ?? [];
    marks.delete(line.pointer);
    const content = line.text.length > room ? `${line.text.slice(0, Math.max(room, 0))}…` : line.text;
    room -= line.text.length + 1;
    pre.append(faults.length
      ? h("span", { class: "line marked" }, h("mark", {}, content), faults.map(beside)) // ends with a block
      : h("span", { class: "line" }, `${content}\n`));
    if (room <= 0) break;
  }
  // What has no line here: all of a text that is no JSON, or a place beyond the cut.
  const rest = [...marks.values()].flat();
  return h("div", {},
    rest.length ? violationList(rest) : null,
    pre,
    isCut ? h("p", {}, `Cut after ${MOST.toLocaleString("en")} of ${text.length.toLocaleString("en")} characters. `, kept ? `The journal keeps ${kept}. ` : "",
      h("a", { href: whole }, kept ? "Show all that it keeps" : "Show the whole body")) : null);
}

function beside(violation) {
  const member = violation.keyword === "required" ? `${violation.pointer.split("/").pop()} ` : "";
  return h("span", { class: `beside ${violation.side}` }, ` ${member}${violation.message}`, schemaBeside(violation.schema) ?? "\n");
}

// Violations that are not marked in a body, each with the schema that it broke.
export function violationList(violations) {
  return h("ul", { class: "violations" }, violations.map((violation) => h("li", {}, violationText(violation),
    violation.schema ? h("div", {}, h("code", {}, placeOf(violation.schema)),
      listing(violation.schema.lines, violation.schema.line, `The schema at ${placeOf(violation.schema)}`)) : null)));
}

function violationText(violation) {
  return [
    h("span", { class: `tag ${violation.side}` }, violation.by ?? violation.side), " ",
    h("code", {}, `${violation.where}${violation.pointer ? ` ${violation.pointer}` : ""}`), " ", violation.message,
    h("span", { class: "quiet" }, ` (${violation.keyword}: expected ${violation.expected}, found ${violation.found})`),
  ];
}
