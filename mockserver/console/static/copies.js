// An exchange as text to take elsewhere: a curl command, a rule of a scenario, a test. Each of them runs.
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

// `origin` is where the server is, `key` one that the sandbox accepts: in the journal keys are masked.
export function asCurl(entry, origin, key) {
  const how = entry.method === "HEAD" ? "-I" : `-i -X ${shellQuoted(entry.method)}`;
  const parts = [`curl ${how} ${shellQuoted(origin + lineOf(entry))}`];
  for (const [name, value] of Object.entries(entry.request.headers)) {
    for (const line of [value].flat()) {
      // One that was refused stays so: no key is ***.
      if (!SKIPPED.has(name)) parts.push(`-H ${shellQuoted(`${name}: ${entry.stage === "key" ? line : line.replace("***", () => key)}`)}`);
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

const LOST = { reset_before: "{reset: before}", reset_after_commit: "{reset: after_commit}", empty: "{empty: true}", hang: "{hang: 1s}" };

function outcome(entry) {
  if (entry.lost || !entry.response) return [`    fault: ${LOST[entry.lost] ?? LOST.reset_before}`];
  const { headers, body } = entry.response;
  const type = headers["content-type"];
  const violates = `    violates: ${quoted(entry.violates || "as it was received")}`;
  if (typeof body === "string" && /json/.test(type)) return ["    fault: {body: {malformed: true}}", violates];
  const lines = ["    reply:", `      status: ${entry.status}`];
  const kept = Object.entries(headers).filter(([name]) => name === "retry-after" || (name === "content-type" && !/json/.test(type)));
  if (kept.length) lines.push(`      headers: ${quoted(Object.fromEntries(kept))}`);
  if (body !== null) lines.push(`      body: ${quoted(JSON.stringify(body).includes('"$') ? { $literal: body } : body)}`);
  if (entry.violations.some((violation) => violation.side === "declared")) lines.push(violates);
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
function below(path, base) {
  const parts = new URL(base).pathname.split("/").filter(Boolean).filter((part) => !part.startsWith("~"));
  let rest = path;
  for (const part of parts) {
    if (rest.startsWith(`/${part}/`)) rest = rest.slice(part.length + 1);
  }
  return rest;
}

// A request as a call of httpx.
function call(request, entry, base, indent) {
  const pad = "    ".repeat(indent + 1);
  const { authorization, ...others } = request.headers ?? {};
  const named = Object.entries(others).map(([name, value]) => `${pad}    ${JSON.stringify(name)}: ${python(value, indent + 1)},\n`);
  if (authorization !== null) {
    named.push(`${pad}    "authorization": ${entry.stage === "key" ? '"Bearer not-a-key"' : 'f"Bearer {mockserver.api_key}"'},\n`);
  }
  const lines = ["httpx.request(", `${pad}${python(request.method, 0)},`, `${pad}url + ${python(below(request.path, base), 0)},`];
  if (request.query) lines.push(`${pad}params=${python(request.query, indent + 1)},`);
  if (named.length) lines.push(`${pad}headers={\n${named.join("")}${pad}},`);
  if ("body" in request) lines.push(`${pad}json=${python(request.body, indent + 1)},`);
  if ("content" in request) lines.push(`${pad}content=${python(request.content, 0)}.encode(),`);
  return `${lines.join("\n")}\n${"    ".repeat(indent)})`;
}

// A test with the plugin's fixture that does what came before, sends the same request and expects the same status.
// `base` is the API's URL, `file` the exchange file.
export function asPytest(entry, base, file) {
  const scenario = { version: 1, name: `exchange-${entry.number}`, api: entry.api, ...file.given };
  const isLost = Boolean(entry.lost) || !entry.response;
  const mayFail = JSON.stringify(file.given).includes('"fault"'); // one of the requests before may have been lost too
  const guard = mayFail ? "    with contextlib.suppress(httpx.TransportError):" : null;
  const lines = [...(mayFail ? ["import contextlib", ""] : []), "import httpx", "import pytest", "", "", `@pytest.mark.mockserver(api=${python(entry.api, 0)}, scenario=${python(scenario, 0)})`,
    `def test_exchange_${entry.number}(mockserver):`, `    url = mockserver.base_url(${python(entry.api, 0)})`];
  for (const { times, advance, ...request } of file.earlier) {
    if (advance) lines.push(`    mockserver.clock.advance(${python(advance, 0)})`);
    else {
      const loop = times > 1 ? [`    for _ in range(${times}):`] : [];
      if (guard) loop.push("    ".repeat(loop.length) + guard);
      lines.push(...loop, `${"    ".repeat(loop.length + 1)}${call(request, entry, base, loop.length + 1)}`);
    }
  }
  if (isLost) lines.push("    with pytest.raises(httpx.TransportError):", `        ${call(file.request, entry, base, 2)}`);
  else lines.push(`    response = ${call(file.request, entry, base, 1)}`, `    assert response.status_code == ${entry.status}`);
  return `${lines.join("\n")}\n`;
}
