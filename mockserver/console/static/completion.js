// What may be written at a place of a YAML text, by a JSON Schema and by names that no schema knows.
// Must not know: pages, or how the place was found.

const QUOTED = /^$|^[\s\-?:,[\]{}#&*!|>'"%@`]|[\s:]$|: | #|^(?:true|false|null|~|\d.*)$/i;

// {label, text, detail, caret}: `text` replaces the word, and the caret goes to `caret` within it.
export function completions(place, typed, schema, names) {
  if (place.role === "none") return [];
  const nodes = at(schema, place.path);
  const found = place.role === "key" ? [...keys(nodes, place), ...items(nodes, place, schema), ...(isItem(place) && !place.siblings.size ? values(nodes, place, names) : [])]
    : [...values(nodes, place, names), ...objects(nodes, place), ...items(nodes, place, schema)];
  return ranked(found, typed.replace(/^["']/, ""));
}

function isItem(place) {
  return typeof place.path.at(-1) === "number";
}

function ranked(found, typed) {
  const wanted = typed.toLowerCase();
  const rank = ({ word }) => (word.toLowerCase().startsWith(wanted) ? 0 : word.toLowerCase().includes(wanted) ? 1 : 2);
  const seen = new Set();
  return found.map((one) => ({ word: one.label, ...one })).filter((one) => !seen.has(one.label) && seen.add(one.label) && rank(one) < 2)
    .sort((one, other) => rank(one) - rank(other));
}

// A schema with its references followed and its alternatives spread out.
function spread(schema, root, depth = 0) {
  if (!schema || depth > 20) return [];
  if (schema.$ref) {
    const target = schema.$ref.replace(/^#\//, "").split("/").reduce((node, part) => node?.[part], root);
    return spread(target, root, depth + 1);
  }
  const parts = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  return parts.length ? parts.flatMap((part) => spread(part, root, depth + 1)) : [{ schema, root }];
}

function at(schema, path) {
  let nodes = spread(schema, schema);
  for (const step of path) {
    nodes = nodes.flatMap(({ schema: node }) => {
      if (typeof step === "number") return spread(node.prefixItems?.[step] ?? node.items, schema);
      const own = node.properties && Object.hasOwn(node.properties, step) ? node.properties[step] : node.additionalProperties;
      return typeof own === "object" ? spread(own, schema) : [];
    });
  }
  return nodes;
}

// Properties of the mappings, those that are required first.
function properties(nodes) {
  return nodes.flatMap(({ schema, root }) => {
    const all = Object.entries(schema.properties ?? {}), required = new Set(schema.required);
    return [...all.filter(([name]) => required.has(name)), ...all.filter(([name]) => !required.has(name))]
      .map(([name, value]) => ({ name, detail: describe(value, root), isRequired: required.has(name) }));
  });
}

function describe(schema, root) {
  const ref = [schema, ...(schema.anyOf ?? [])].find((one) => one.$ref)?.$ref;
  const target = ref?.split("/").slice(1).reduce((node, part) => node?.[part], root);
  const texts = [schema, target, ...spread(schema, root).map((one) => one.schema)].map((one) => one?.description);
  return (texts.find(Boolean) ?? "").split("\n\n")[0];
}

function keys(nodes, place) {
  return properties(nodes).filter(({ name }) => !place.siblings.has(name)).map(({ name, detail, isRequired }) => {
    const text = place.hasColon ? name : `${name}: `;
    return { label: name, text, caret: text.length, detail: [isRequired ? "required" : "", detail].filter(Boolean).join(": ") };
  });
}

function values(nodes, place, names) {
  const texts = nodes.flatMap(({ schema }) => [...(schema.enum ?? []), ...("const" in schema ? [schema.const] : []),
    ...(schema.type === "boolean" && !("const" in schema) ? [true, false] : []), ...(schema.examples ?? [])]).map(String);
  const name = place.path.findLast((step) => typeof step === "string");
  // A list of words is written as one, and a name may stand in a list.
  const own = Object.hasOwn(names, name) && (place.path.at(-1) === name || isItem(place)) ? names[name] : [];
  const literal = new Set(["true", "false"]);
  return [...own, ...texts].map((value) => {
    const text = literal.has(value) || /^\d+$/.test(value) && texts.includes(value) ? value : written(value, place.isFlow);
    return { label: value, text, caret: text.length, detail: "" };
  });
}

// A mapping in flow style with its first key, for each key that it may have.
function objects(nodes, place) {
  return properties(nodes).map(({ name, detail }) => ({ label: `{${name}: …}`, word: name, text: `{${name}: }`, caret: name.length + 3, detail }));
}

// The first item of a list, on a line of its own in block style.
function items(nodes, place, root) {
  if (isItem(place) && place.role === "key") return [];
  return nodes.filter(({ schema }) => schema.items).flatMap(({ schema }) => {
    const inner = spread(schema.items, root), first = properties(inner).find((one) => one.isRequired) ?? properties(inner)[0];
    const words = inner.flatMap((one) => one.schema.enum ?? []);
    if (words.length) return words.map((word) => ({ label: `[${word}]`, word, text: `[${word}]`, caret: word.length + 1, detail: "a list" }));
    if (!first) return [];
    if (place.isFlow) return [{ label: `[{${first.name}: …}]`, word: "", text: `[{${first.name}: }]`, caret: first.name.length + 4, detail: "a list" }];
    const line = `${place.role === "key" ? "" : `\n${" ".repeat(place.column + 2)}`}- ${first.name}: `;
    return [{ label: `- ${first.name}: …`, word: first.name, text: line, caret: line.length, detail: "a list" }];
  });
}

function written(value, isFlow) {
  return QUOTED.test(value) || (isFlow && /[,[\]{}]/.test(value)) ? JSON.stringify(value) : value;
}
