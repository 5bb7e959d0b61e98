// The form of a page: makes what the request needs, sends it to a sandbox, and shows what comes back.
// The page shows ids of an exchange that was made before; in the reader's sandbox others take their place.
// Must not know: the admin API.

const data = JSON.parse(document.getElementById("try-data").textContent);
const form = document.getElementById("try");
const outcome = document.getElementById("try-outcome");

// Notes each value that came out differently than on the page, at the same place of the response.
function learn(known, was, is) {
  if (was === null || is === null || typeof was !== typeof is) return;
  if (typeof was === "object") {
    for (const name of Object.keys(was)) if (name in is) learn(known, was[name], is[name]);
  } else if (was !== is) {
    known.set(String(was), is);
  }
}

function lastSegment(location) {
  return decodeURIComponent(location.split("?")[0].split("/").filter(Boolean).pop() ?? "");
}

function replacedIn(known, value) {
  if (Array.isArray(value)) return value.map((item) => replacedIn(known, item));
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, replacedIn(known, item)]));
  }
  return typeof value === "boolean" || value === null ? value : known.get(String(value)) ?? value;
}

// A path with its query: each segment and each value by itself, so that a short id is no part of another one.
function replacedInPath(known, path) {
  return path.replace(/[^/?&=]+/g, (part) => {
    let text = part;
    try { text = decodeURIComponent(part); } catch { /* no escape at all */ }
    return known.has(text) ? encodeURIComponent(known.get(text)) : part;
  });
}

function replacedInBody(known, text) {
  try { return JSON.stringify(replacedIn(known, JSON.parse(text))); } catch { return text; }
}

function bytesOf(body) {
  return body.base64 === undefined ? body.text : Uint8Array.from(atob(body.base64), (char) => char.charCodeAt(0));
}

async function send(known, step, path, body, key, sandbox) {
  const headers = Object.fromEntries(Object.entries(step.headers).map(([name, value]) => [name, value.replaceAll(data.key, key)]));
  const place = sandbox === "default" ? "" : `/~${encodeURIComponent(sandbox)}`;
  const query = replacedInPath(known, path).replaceAll(data.key, encodeURIComponent(key));
  const options = { method: step.method, headers, cache: "no-store" };
  if (body !== null && step.method !== "GET" && step.method !== "HEAD") options.body = body;
  return fetch(`${data.root}${place}/${data.api}${query}`, options);
}

function line(text, kind) {
  const paragraph = document.createElement("p");
  paragraph.textContent = text;
  if (kind) paragraph.className = kind;
  outcome.append(paragraph);
  return paragraph;
}

function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

async function tried(fields) {
  const known = new Map();
  const [key, sandbox] = [fields.get("key"), fields.get("sandbox").trim()];
  for (const step of data.steps.slice(0, -1)) {
    const body = step.body === null ? null : step.body.base64 === undefined ? replacedInBody(known, step.body.text) : bytesOf(step.body);
    const response = await send(known, step, step.path, body, key, sandbox);
    const text = await response.text();
    line(`First ${step.method} ${step.path.split("?")[0]}: ${response.status}`, response.ok ? "" : "failed");
    if (!response.ok) return line(text, "failed");
    try { learn(known, step.data, JSON.parse(text)); } catch { /* no JSON */ }
    const location = response.headers.get("location");
    if (step.location && location) learn(known, lastSegment(step.location), lastSegment(location));
  }
  const step = data.steps.at(-1);
  const body = fields.has("body") ? replacedInBody(known, fields.get("body")) : step.body === null ? null : bytesOf(step.body);
  const response = await send(known, step, fields.get("path"), body, key, sandbox);
  line(`${response.status} ${response.statusText}`.trim(), response.ok ? "received" : "failed");
  const text = await response.text();
  if (text) {
    const pre = document.createElement("pre");
    pre.tabIndex = 0;
    pre.textContent = pretty(text);
    outcome.append(pre);
  }
  if (data.console) {
    const link = document.createElement("a");
    link.href = `${data.root}/__console/#/${encodeURIComponent(sandbox)}/exchanges`;
    link.textContent = "See the exchanges in the console";
    outcome.append(link);
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  outcome.replaceChildren();
  try {
    await tried(new FormData(form));
  } catch (error) {
    line(`The server did not answer: ${error.message}`, "failed");
  } finally {
    button.disabled = false;
  }
});
