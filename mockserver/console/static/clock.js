// The panel of the clock: what it shows, how it runs, buttons that move it ahead, and what is due.

import { get, of, put } from "./admin.js";
import { clockOf } from "./ticking.js";
import { button, duration, h, redraw, say, soon, table, timeOfDay } from "./dom.js";
import { timeline } from "./timeline.js";

const LOOKED_AT = 100; // exchanges among which responses are looked for that have not gone out
const STEPS = ["1s", "2s", "10s", "61s", "10m", "1h", "1d"];

export async function show({ sandbox, box, link, failed, onEntry }) {
  const shown = h("p", { class: "clock" }), how = h("p", {}), due = h("div");
  let ticking = null, told = null;
  let late = []; // exchanges whose response has not gone out yet

  function draw() {
    const date = new Date(ticking() * 1000);
    shown.replaceChildren(h("time", { datetime: date.toISOString() }, h("span", { class: "quiet" }, date.toISOString().slice(0, 10)), " ", date.toISOString().slice(11, 23)),
      h("span", { class: "quiet" }, " UTC"));
  }

  function take(clock) {
    told = clock;
    ticking = clockOf(clock);
    how.replaceChildren(clock.mode === "frozen" ? "It is frozen: it moves only when it is told to."
      : clock.rate === 1 ? "It runs as fast as real time." : `It runs ${clock.rate} times as fast as real time.`);
    draw();
  }

  async function load() {
    try {
      const [clock, { limits }, { waiting }] = await Promise.all([
        get(of(sandbox, "/clock")), get(of(sandbox, "/limits")), get(of(sandbox, "/webhooks"))]);
      take(clock);
      const waits = limits.filter((limit) => limit.remaining < limit.max).map((limit) => ({ at: limit.free_at, words: `a place frees: ${limit.operation}`,
        what: ["a place frees in the window of ", h("a", { href: link("limits") }, limit.operation)] }));
      const tasks = waiting.map((task) => ({ at: task.at, words: `${task.do} ${task.on}`, task, what: [`${task.do} ${task.on}`, task.to ? ` to ${task.to}` : "",
        task.attempt > 1 ? `, attempt ${task.attempt}` : "", h("span", { class: "quiet" }, ` (${task.by})`)] }));
      late = late.filter((entry) => entry.replied_at > clock.now);
      const delays = late.map((entry) => ({ at: entry.replied_at, words: `the response to #${entry.number} goes out`,
        what: ["the response to ", h("a", { href: link("exchanges", [entry.number]) }, `#${entry.number}`), ` goes out: ${entry.operation || entry.path}`] }));
      const all = [...waits, ...tasks, ...delays].sort((a, b) => a.at - b.at);
      redraw(due, all.length ? [timeline({ title: "What is due", now: clock.now, events: all.map(({ at, words }) => ({ at, kind: "due", words: `${timeOfDay(at)}: ${words}` })) }), table("What is due", ["When", "In", "What", ""], all.map(({ at, what, task }) =>
        [timeOfDay(at), duration(Math.max(0, at - clock.now)), what, task ? button("Do it now", () => hasten(task), { "aria-label": `Do it now: ${task.do} ${task.on}` }) : ""]))]
        : h("p", { class: "quiet" }, "No window waits for a place to free, no response is held back, and nothing is to be done later."));
    } catch (error) { failed(error); }
  }

  async function change(method, path, body, words) {
    try {
      const clock = await put(method, of(sandbox, path), body);
      failed(null);
      take(clock);
      say(words);
      await load();
    } catch (error) { failed(error); }
  }

  async function hasten(task) {
    try {
      await put("POST", of(sandbox, `/waiting/${encodeURIComponent(task.id)}`));
      failed(null);
      say(`It is done: ${task.do} ${task.on}.`);
      await load();
    } catch (error) { failed(error); }
  }

  function note(entry) {
    if (entry.replied_at !== null && entry.stage !== "webhook") late.push(entry);
  }

  const advance = (by) => change("POST", "/clock/advance", { by }, `The clock went ${by} ahead.`);
  const by = h("input", { name: "by", value: "5m", pattern: "([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+", required: true, maxlength: 20, title: "A number and a unit: 500ms, 61s, 1h30m" });
  const rate = h("input", { name: "rate", type: "number", min: 0, max: 1e6, step: "any", value: 60, required: true });
  const moment = h("input", { name: "now", type: "datetime-local", step: 1, required: true });
  const submit = (act) => (event) => { event.preventDefault(); act(); };
  box.append(h("h1", {}, "Clock"), h("div", { class: "beside-each-other" }, h("section", {}, shown, how,
    h("h2", {}, "Advance"), h("p", { class: "buttons" }, STEPS.map((step) => button(`+${step}`, () => advance(step)))),
    h("form", { class: "inline", onsubmit: submit(() => advance(by.value)) }, h("label", {}, "By", by), h("button", {}, "Advance")),
    h("h2", {}, "Run"), h("p", { class: "buttons" },
      button("Freeze", () => change("PATCH", "/clock", { mode: "frozen" }, "The clock is frozen.")),
      button("Real time", () => change("PATCH", "/clock", { mode: "real" }, "The clock runs."))),
    h("form", { class: "inline", onsubmit: submit(() => change("PATCH", "/clock", { rate: Number(rate.value) }, "The clock runs at another rate.")) },
      h("label", {}, "Test seconds per second", rate), h("button", {}, "Run at this rate")),
    h("form", { class: "inline", onsubmit: submit(() => change("PATCH", "/clock", { now: `${moment.value.padEnd(19, ":00")}Z` }, "The clock was set.")) },
      h("label", {}, "Go to (UTC)", moment), h("button", {}, "Set ahead"))),
  h("section", {}, h("h2", {}, "What is due"), due)));
  (await get(of(sandbox, `/journal?limit=${LOOKED_AT}`))).entries.forEach(note);
  await load();
  const timer = setInterval(() => { if (ticking?.rate) draw(); }, 100);
  const slow = setInterval(() => { if (told?.mode !== "frozen") load(); }, 5000);
  const later = soon(load, 150);
  const stop = onEntry((entry) => { note(entry); later(); });
  return () => { clearInterval(timer); clearInterval(slow); stop(); later.stop(); };
}
