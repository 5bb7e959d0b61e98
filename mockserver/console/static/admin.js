// The admin API: one function to ask it, one to follow its events. The token stays in this module's memory.
// Must not know: pages.

const BASE = new URL("../__admin/", document.baseURI);
let token = "";
let asking = null;

// What the server refused: `status`, `message` and the whole problem document.
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `The server answered ${status}.`);
    this.status = status;
    this.problem = problem;
  }
}

// A path of one sandbox.
export function of(sandbox, path = "") {
  return `sandboxes/${encodeURIComponent(sandbox)}${path}`;
}

async function send(path, { method = "GET", body, type = "application/json", signal } = {}) {
  const headers = { "x-mockserver-admin": token || "console" };
  if (body !== undefined) headers["content-type"] = type;
  const content = body === undefined || type !== "application/json" ? body : JSON.stringify(body);
  const sent = token;
  const response = await fetch(new URL(path, BASE), { method, headers, body: content, signal, cache: "no-store" });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  // The server says "token" only where one is missing or wrong; other refusals no token would change.
  if ((response.status === 401 || response.status === 403) && /admin token/.test(problem.detail ?? "")) {
    if (token === sent) await askToken(response.status === 403 && sent !== "");
    return send(path, { method, body, type, signal });
  }
  throw new Refused(response.status, problem);
}

// Everyone who waits for the token waits for the same dialog.
function askToken(wasWrong) {
  asking ??= new Promise((resolve) => {
    const dialog = document.getElementById("ask"), input = document.getElementById("ask-token");
    if (wasWrong) document.getElementById("ask-why").textContent = "That was not the right one. It is kept in this page only.";
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.addEventListener("close", () => {
      token = /^[\x21-\x7e]+$/.test(input.value) ? input.value : "console";
      input.value = "";
      asking = null;
      resolve();
    }, { once: true });
    if (!dialog.open) dialog.showModal();
  });
  return asking;
}

export async function get(path) {
  return (await send(path)).json();
}

const PAGE = 200; // entries that are asked for at a time: a larger answer would hold up what the server does for others

// The newest entries of a journal, oldest first.
export async function newestEntries(sandbox, count) {
  let all = [], before = "";
  for (;;) {
    const { entries, total } = await get(of(sandbox, `/journal?limit=${Math.min(PAGE, count - all.length)}${before}`));
    all = [...entries, ...all];
    if (!entries.length || entries.length === total || all.length >= count) return all;
    before = `&before=${entries[0].number}`;
  }
}

// The same for what is text.
export async function getText(path) {
  return (await send(path)).text();
}

// A write. A string body is YAML.
export async function put(method, path, body) {
  const type = typeof body === "string" ? "application/yaml" : "application/json";
  const kind = path.match(/^sandboxes\/[^/]*\/(reset|scenario|clock)/)?.[1];
  if (kind) ours.set(kind, Infinity);
  try {
    const response = await send(path, { method, body, type });
    return response.status === 204 ? null : await response.json();
  } finally {
    if (kind) ours.set(kind, performance.now() + ECHO);
  }
}

const ECHO = 1000; // milliseconds in which the stream tells of a write, four of the server's looks
const ours = new Map(); // until when something that was steered is what this page did

// Follow the journal of a sandbox after a number. `told` gets {entry}, {state: "live" | "lost" | "back", missed, anew}, or
// what somebody did to the sandbox: {steered: {what, anew, scenario, clock}, ours}, with whether this page did it.
export function follow(sandbox, after, told) {
  const ended = new AbortController();
  run(sandbox, after, told, ended.signal);
  return () => ended.abort();
}

async function run(sandbox, after, told, signal) {
  let wait = 250, wasLost = false, last = null;
  while (!signal.aborted) {
    try {
      const { total, anew } = wasLost ? await missed(sandbox, after, last, signal) : { total: 0, anew: false };
      if (anew) after = 0;
      const response = await send(of(sandbox, `/events?steering=true&after=${after}`), { signal });
      told(wasLost ? { state: "back", missed: total, anew } : { state: "live" });
      wait = 250;
      wasLost = false;
      for await (const { kind, data } of events(response)) {
        const content = JSON.parse(data);
        if (kind === "steered") {
          if (content.anew) after = 0;
          told({ steered: content, ours: content.what.every((what) => ours.get(what) > performance.now()) });
          continue;
        }
        if (content.number <= after) told({ state: "back", missed: 0, anew: true }); // it was reset, and we were not told
        after = content.number;
        last = content;
        told({ entry: content });
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused && error.status < 500) {
        told({ state: "lost", why: error.message });
        return;
      }
    }
    if (signal.aborted) return;
    if (!wasLost) told({ state: "lost", why: "The server does not answer; trying again." });
    wasLost = true;
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, 5000);
  }
}

// How many exchanges came while nobody listened, and whether the journal began anew: then it is shorter, or has
// another exchange of the number that came last.
async function missed(sandbox, after, last, signal) {
  const { requests } = await (await send(of(sandbox), { signal })).json();
  if (requests < after) return { total: requests, anew: true };
  if (last?.number === after) {
    const { entries: [entry] } = await (await send(of(sandbox, `/journal?after=${after - 1}&limit=1`), { signal })).json();
    if (entry?.number === after && (entry.at !== last.at || entry.path !== last.path || entry.duration_ms !== last.duration_ms)) {
      return { total: requests, anew: true };
    }
  }
  return { total: requests - after, anew: false };
}

// The kind and the data of each server-sent event (WHATWG HTML, 9.2.6). EventSource cannot send the token's header.
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let kept = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    kept += value;
    let end;
    while ((end = kept.indexOf("\n\n")) >= 0) {
      const lines = kept.slice(0, end).split("\n");
      const values = (name) => lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trimStart());
      kept = kept.slice(end + 2);
      const data = values("data");
      if (data.length) yield { kind: values("event")[0] ?? "message", data: data.join("\n") };
    }
  }
}
