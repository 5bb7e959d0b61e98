// The panel of webhooks: each delivery with its attempts on a time line, what waits for the clock, and which there are.

import { get, of, put } from "./admin.js";
import { button, duration, h, redraw, say, soon, table, timeOfDay } from "./dom.js";
import { statusTag } from "./exchanges.js";
import { timeline } from "./timeline.js";

const MOST = 200; // attempts that are looked at

export async function show({ sandbox, box, link, failed, onEntry }) {
  const place = h("div"), declared = h("div"), form = h("div");

  async function act(path, body, words) {
    try {
      await put("POST", of(sandbox, path), body);
      failed(null);
      say(words);
      await load();
    } catch (error) { failed(error); }
  }
  const again = ({ name, api, to, attempts }) => act(`/webhooks/${encodeURIComponent(name)}`, { api, to, data: attempts.at(-1).request.body }, `${name} is sent again.`);
  const hasten = ({ due, name }) => act(`/waiting/${encodeURIComponent(due.id)}`, undefined, `${name} is sent now.`);

  async function load() {
    try {
      const [{ webhooks, waiting }, { entries, total }, clock] = await Promise.all([
        get(of(sandbox, "/webhooks")), get(of(sandbox, `/journal?stage=webhook&limit=${MOST}`)), get(of(sandbox, "/clock"))]);
      const due = waiting.filter((task) => task.do === "webhook");
      redraw(place, deliveries(entries, due).map((one) => delivery(one, clock.now, link, again, hasten)),
        total > entries.length ? h("p", { class: "quiet" }, `The newest ${entries.length} of ${total} attempts.`) : "",
        entries.length || due.length ? "" : h("p", { class: "quiet" }, webhooks.length ? "No webhook has been sent yet." : "No API of this server has webhooks."));
      if (webhooks.length && !form.childElementCount) form.append(...sending(webhooks, act, failed));
      redraw(declared, webhooks.length ? [h("h2", {}, "Which there are"), table("Webhooks", ["Webhook", "API", "Sent after", "Signed", { title: "Attempts", class: "right" }],
        webhooks.map((one) => [one.name, one.api, one.on.join(", ") || "on demand", one.signed ? "yes" : "no", String(one.attempts)]))] : []);
    } catch (error) { failed(error); }
  }

  box.append(h("h1", {}, "Webhooks"), h("p", { class: "quiet" }, "Each delivery with its attempts, on the sandbox's clock. A high red mark is an attempt that failed, a hollow one is due."), place, form, declared);
  await load();
  const later = soon(load, 150);
  const stop = onEntry(later);
  return () => { stop(); later.stop(); };
}

// A form that sends one on demand.
function sending(webhooks, act, failed) {
  const which = h("select", { name: "webhook" }, webhooks.map(({ api, name }, index) => h("option", { value: index }, `${name} of ${api}`)));
  const to = h("input", { name: "to", type: "url", maxlength: 2000, autocomplete: "off" });
  const body = h("textarea", { name: "data", rows: 4, spellcheck: "false", placeholder: "Left empty, the document says what it is." });
  return [h("h2", { id: "send" }, "Send one"), h("form", { class: "try", "aria-labelledby": "send", onsubmit: (event) => {
    event.preventDefault();
    const { api, name } = webhooks[which.value], asked = { api };
    if (to.value) asked.to = to.value;
    if (body.value.trim()) {
      try { asked.data = JSON.parse(body.value); } catch (error) { failed(new Error(`The body is not JSON: ${error.message}`)); return; }
    }
    act(`/webhooks/${encodeURIComponent(name)}`, asked, `${name} is sent.`);
  } }, h("div", { class: "line" }, h("label", {}, "Webhook", which), h("label", { class: "path" }, "To this URL (of this machine, or of a host that the server may send to)", to)), h("label", {}, "Body as JSON", body),
  h("p", { class: "buttons" }, h("button", { class: "primary" }, "Send now")))];
}

// Attempts that belong together, with the next one when it waits; the newest delivery first.
function deliveries(entries, due) {
  const all = [], byNumber = new Map();
  for (const entry of entries) {
    let one = byNumber.get(entry.retry_of);
    if (!one) all.push(one = { name: entry.operation.replace(/^webhook /, ""), to: entry.path, api: entry.api, attempts: [], due: null });
    one.attempts.push(entry);
    byNumber.set(entry.number, one);
  }
  for (const task of due) {
    const open = task.attempt > 1 && all.find((one) => !one.due && one.name === task.on && one.api === task.api && one.to === task.to
      && one.attempts.at(-1).attempt === task.attempt - 1 && isFailed(one.attempts.at(-1)));
    if (open) open.due = task;
    else all.push({ name: task.on, to: task.to, api: task.api, attempts: [], due: task });
  }
  const newest = (one) => one.due?.at ?? one.attempts.at(-1).at;
  return all.reverse().sort((one, other) => newest(other) - newest(one));
}

function isFailed(entry) {
  return Boolean(entry.lost) || entry.status < 200 || entry.status > 299;
}

function delivery(one, now, link, again, hasten) {
  const { name, to, attempts, due } = one;
  const events = attempts.map((entry) => ({ at: entry.at, kind: isFailed(entry) ? "out" : "in", href: link("exchanges", [entry.number]),
    words: `Attempt ${entry.attempt} at ${timeOfDay(entry.at)}: ${entry.lost || entry.status || "no answer"}` }));
  if (due) events.push({ at: due.at, kind: "due", words: `Attempt ${due.attempt} is due at ${timeOfDay(due.at)}` });
  const rows = attempts.map((entry, index) => [h("a", { href: link("exchanges", [entry.number]) }, `#${entry.number}`), timeOfDay(entry.at),
    index ? `+ ${duration(entry.at - attempts[index - 1].at)}` : "", statusTag(entry), entry.reason]);
  if (due) rows.push(["due", timeOfDay(due.at), attempts.length ? `+ ${duration(due.at - attempts.at(-1).at)}` : "", "", due.by]);
  return h("section", { class: "card delivery" }, h("h2", {}, name, h("span", { class: "quiet" }, ` to ${to || "a place not known yet"}`)),
    timeline({ title: `Attempts of ${name}`, events, now: due ? now : undefined }),
    table(`Attempts of ${name}`, ["Exchange", "Time", "After", "Status", "What came of it"], rows),
    h("p", { class: "buttons" }, due ? button("Send it now", () => hasten(one), { "aria-label": `Send ${name} now` }) : null,
      isSendable(attempts.at(-1)) ? button("Send again", () => again(one), { "aria-label": `Send ${name} again` }) : null));
}

// Whether the journal has the body as it was: all of it, and as a value.
function isSendable(entry) {
  return entry !== undefined && (entry.request.body === null || typeof entry.request.body === "object" || /json/.test(String(entry.request.headers["content-type"])));
}
