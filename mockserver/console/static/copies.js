// An exchange as text to take elsewhere: a curl command, a rule of a scenario, a test.
// Must not know: pages.

const SKIPPED = new Set(["host", "content-length", "connection", "accept-encoding", "transfer-encoding"]);

function shellQuoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

// A value in YAML's flow style, which JSON is, but for characters that YAML does not let stand as they are.
function quoted(value) {
  return JSON.stringify(value).replace(/[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function lineOf(entry) {
  return `${entry.path}${entry.query ? `?${entry.query}` : ""}`;
}

function compact(body) {
  return typeof body === "string" ? body : JSON.stringify(body);
}

// `origin` is where the server is. Keys are masked in the journal, so a new one has to be put in.
export function asCurl(entry, origin) {
  const parts = [`curl -i -X ${shellQuoted(entry.method)} ${shellQuoted(origin + lineOf(entry))}`];
  for (const [name, value] of Object.entries(entry.request.headers)) {
    for (const line of [value].flat()) {
      if (!SKIPPED.has(name)) parts.push(`-H ${shellQuoted(`${name}: ${line}`)}`);
    }
  }
  if (entry.request.body !== null) parts.push(`--data-raw ${shellQuoted(compact(entry.request.body))}`);
  return `${parts.join(" \\\n  ")}\n`;
}

// A scenario that makes the same request get the same response.
export function asRule(entry) {
  const lines = [
    "version: 1",
    `name: from-exchange-${entry.number}`,
    `api: ${quoted(entry.api)}`,
    "rules:",
    `  - id: exchange-${entry.number}`,
    `    op: ${quoted(entry.operation)}`,
  ];
  if (entry.query || entry.request.body !== null) lines.push("    when:");
  if (entry.query) {
    lines.push("      query:");
    for (const [name, value] of new Map(new URLSearchParams(entry.query))) lines.push(`        ${quoted(name)}: ${quoted(value)}`);
  }
  if (entry.request.body !== null) lines.push(`      body: {equals: ${quoted(entry.request.body)}}`);
  lines.push(...outcome(entry));
  return `${lines.join("\n")}\n`;
}

function outcome(entry) {
  if (!entry.response) return ["    fault: {reset: before}"];
  const type = entry.response.headers["content-type"];
  const lines = ["    reply:", `      status: ${entry.status}`];
  if (type && !/json/.test(type)) lines.push(`      headers: {content-type: ${quoted(type)}}`);
  if (entry.response.body !== null) lines.push(`      body: ${quoted(entry.response.body)}`);
  return lines;
}

// What the next call can get: a title, and the lines of a rule.
export const FAILURES = {
  rate_limited: ["429 Too Many Requests", "sequence: [{rate_limited: {retry_after: 2s}}]"],
  out_of_credits: ["402 Payment Required", "sequence: [out_of_credits]"],
  server_error: ["500 Internal Server Error", "sequence: [server_error]"],
  unavailable: ["503 Service Unavailable", "sequence: [{server_error: {status: 503}}]"],
  reset_before: ["a connection reset before anything is done", "sequence: [{fault: {reset: before}}]"],
  reset_after: ["a connection reset after everything is done", "sequence: [{fault: {reset: after_commit}}]"],
  billing: ["a response whose billing write is lost", "sequence: [{fault: {billing_write: lost}}]"],
  latency: ["a response after 30 s", "sequence: [{fault: {latency: 30s}}]"],
};

// A scenario that makes the next call of the operation fail: that in force, with one more rule before the others, when it
// is for the same API and has a place for it; else a new one.
export function failNext(entry, how, inForce) {
  const [, line] = Object.hasOwn(FAILURES, how ?? "") ? FAILURES[how] : FAILURES.rate_limited;
  const id = `fails-once-after-${entry.number}`;
  const fits = inForce.match(/^api: *["']?([\w.-]+)/m)?.[1] === entry.api && !/^---$/m.test(inForce);
  const rules = fits && inForce.match(/^rules:[ ]*\n(?=( *)- )/m);
  if (rules && !new RegExp(`id: ${id}$`, "m").test(inForce)) {
    const pad = rules[1], at = rules.index + rules[0].length;
    const rule = [`- id: ${id}`, `  op: ${quoted(entry.operation)}`, `  ${line}   # then what the rules below say`].map((text) => `${pad}${text}\n`).join("");
    return inForce.slice(0, at) + rule + inForce.slice(at);
  }
  return [
    "version: 1",
    `name: fail-after-exchange-${entry.number}`,
    `api: ${quoted(entry.api)}`,
    "rules:",
    `  - id: ${id}`,
    `    op: ${quoted(entry.operation)}`,
    `    ${line}   # then the real response`,
    "",
  ].join("\n");
}

// A Python value.
function python(value, indent) {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const pad = "    ".repeat(indent + 1), end = "    ".repeat(indent);
  const items = Array.isArray(value) ? value.map((item) => `${pad}${python(item, indent + 1)},\n`)
    : Object.entries(value).map(([key, item]) => `${pad}${JSON.stringify(key)}: ${python(item, indent + 1)},\n`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return items.length ? `${open}\n${items.join("")}${end}${close}` : `${open}${close}`;
}

// The path below an API's base URL; `base` is that URL in the entry's sandbox.
function below(entry, base) {
  const parts = new URL(base).pathname.split("/").filter(Boolean).filter((part) => !part.startsWith("~"));
  let rest = entry.path.replace(/^\/~[^/]*/, "");
  for (const part of parts) {
    if (rest.startsWith(`/${part}/`)) rest = rest.slice(part.length + 1);
  }
  return `${rest}${entry.query ? `?${entry.query}` : ""}`;
}

// A test with the plugin's fixture that sends the same request and expects the same status. `base` is the API's URL,
// `scenario` the name of the bundled scenario in force, "" for none.
export function asPytest(entry, base, scenario) {
  const headers = {}, { body } = entry.request;
  for (const [name, value] of Object.entries(entry.request.headers)) {
    if (!SKIPPED.has(name) && name !== "user-agent" && name !== "accept") headers[name] = [value].flat().join(", ");
  }
  const shown = Object.entries(headers).map(([name, value]) => {
    const masked = value.match(/^(?:(\w+) )?\*\*\*$/);
    const text = masked ? `f"${masked[1] ? `${masked[1]} ` : ""}{mockserver.api_key}"` : python(value, 0);
    return `            ${JSON.stringify(name)}: ${text},\n`;
  });
  const lines = ["import httpx"];
  if (scenario) lines.push("import pytest");
  lines.push("", "");
  if (scenario) lines.push(`@pytest.mark.mockserver(scenario=${python(scenario, 0)})`);
  lines.push(
    `def test_exchange_${entry.number}(mockserver):`,
    "    response = httpx.request(",
    `        ${python(entry.method, 0)},`,
    `        mockserver.base_url(${python(entry.api, 0)}) + ${python(below(entry, base), 0)},`,
    `        headers={\n${shown.join("")}        },`,
  );
  if (typeof body === "string") lines.push(`        content=${python(body, 2)}.encode(),`);
  else if (body !== null) lines.push(`        json=${python(body, 2)},`);
  lines.push("    )", `    assert response.status_code == ${entry.status}`, "");
  return lines.join("\n");
}
