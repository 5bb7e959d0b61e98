// Lines of a file with the place that is meant: the schema that was broken, the rule that acted.
// Must not know: the admin API.

import { h } from "./dom.js";

// Where something stands: `file:line`, or the pointer where no line is known.
export function placeOf(excerpt) {
  return excerpt.line ? `${excerpt.file}:${excerpt.line}` : `${excerpt.file} ${excerpt.pointer}`;
}

// Numbered lines, the one at `line` marked. They are spans, so that they may stand inside a body.
export function numbered(lines, line) {
  return lines.map(({ number, text }) => h("span", { class: number && number === line ? "row meant" : "row" },
    h("span", { class: "no" }, number ? String(number).padStart(4) : ""), `  ${text}\n`));
}

// The lines as a block of their own.
export function listing(lines, line, label) {
  return lines.length ? h("pre", { class: "listing", tabindex: 0, "aria-label": label }, numbered(lines, line)) : null;
}

// A schema beside what broke it.
export function schemaBeside(schema) {
  return schema ? h("span", { class: "schema" }, h("span", { class: "file" }, `${placeOf(schema)}\n`), numbered(schema.lines, schema.line)) : null;
}
