// A schema as a tree that is opened member by member; a reference is followed when it is opened, so circles are harmless.
// Must not know: the admin API.

import { h } from "./dom.js";

const SAID = ["format", "enum", "const", "default", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
  "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "readOnly", "writeOnly", "deprecated", "nullable"];

// `schemas` has what references lead to, by the text of the reference.
export function schemaTree(schema, schemas, label) {
  const known = followed(schema, schemas);
  return h("div", { class: "schema-tree" }, h("span", {}, h("span", { class: "type" }, typeOf(schema, known)), " ", h("span", { class: "quiet" }, said(known))), described(known),
    h("ul", { "aria-label": label }, inner(known, schemas).map((make) => make())));
}

function followed(schema, schemas) {
  let known = schema;
  for (let hops = 0; hops < 20 && typeof known?.$ref === "string"; hops += 1) known = schemas[known.$ref];
  return known;
}

function typeOf(schema, known) {
  if (known === undefined) return "not told here";
  if (known === true || known === null || typeof known !== "object") return known === false ? "nothing" : "anything";
  const name = typeof schema.$ref === "string" ? schema.$ref.split("/").pop() : "";
  const kinds = [known.type].flat().filter(Boolean).join(" or ");
  const choice = ["oneOf", "anyOf", "allOf"].find((key) => Array.isArray(known[key]));
  const kind = kinds || (known.properties ? "object" : known.items ? "array" : choice ?? "anything");
  return name ? `${kind} · ${name}` : kind;
}

function inner(known, schemas) {
  if (known === null || typeof known !== "object") return [];
  const required = new Set(Array.isArray(known.required) ? known.required : []);
  const parts = Object.entries(known.properties ?? {}).map(([name, member]) => [name, member, required.has(name)]);
  if (known.items && !Array.isArray(known.items)) parts.push(["each item", known.items, false]);
  (known.prefixItems ?? []).forEach((item, index) => parts.push([`item ${index + 1}`, item, false]));
  if (known.additionalProperties && typeof known.additionalProperties === "object") parts.push(["other members", known.additionalProperties, false]);
  for (const [key, word] of [["allOf", "all of"], ["anyOf", "any of"], ["oneOf", "one of"]]) {
    if (Array.isArray(known[key])) known[key].forEach((part, index) => parts.push([`${word}, ${index + 1}`, part, false]));
  }
  return parts.map(([name, member, isRequired]) => () => node(name, member, schemas, isRequired));
}

function node(name, schema, schemas, isRequired) {
  const known = followed(schema, schemas);
  const parts = inner(known, schemas);
  const line = [h("code", {}, name), " ", h("span", { class: "type" }, typeOf(schema ?? {}, known)), isRequired ? h("span", { class: "tag" }, "required") : null, " ",
    h("span", { class: "quiet" }, said(known))];
  if (!parts.length) return h("li", {}, h("span", { class: "leaf" }, line), described(known));
  const list = h("ul", {});
  const details = h("details", {}, h("summary", {}, line), described(known), list);
  const fill = () => { if (details.open && !list.childElementCount) list.append(...parts.map((make) => make())); };
  details.addEventListener("toggle", fill);
  return h("li", {}, details);
}

// What else the schema says of a value, but for its members.
function said(known) {
  if (known === null || typeof known !== "object") return "";
  return [...SAID.filter((key) => known[key] !== undefined && known[key] !== false).map((key) => (known[key] === true ? key : `${key} ${short(known[key])}`)),
    known.additionalProperties === false ? "no other members" : ""].filter(Boolean).join(", ");
}

function short(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}

function described(known) {
  return typeof known?.description === "string" && known.description ? h("p", { class: "quiet" }, known.description) : null;
}
