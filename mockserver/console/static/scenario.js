// The panel of the scenario: switch to another one and back, see what rules did and which expectations are met, edit it.

import { get, of, put } from "./admin.js";
import { asRule, FAILURES, failNext } from "./copies.js";
import { button, h, say, soon, table } from "./dom.js";
import { editor, forgetDraft } from "./editor.js";
import { differences } from "./rules.js";

const MOST_JUDGED = 1000; // requests of a sandbox whose expectations are judged after each
const former = new Map(); // the scenarios that were in force before, by sandbox, the last one at the end

export async function show({ sandbox, query, box, link, again, failed, onEntry }) {
  const [{ scenarios }, scenario, entry] = await Promise.all([get("scenarios"), get(of(sandbox, "/scenario")), begun(sandbox, query)]);
  const rules = h("div");
  const before = former.get(sandbox) ?? [];
  former.set(sandbox, before);

  // Does something to the scenario, and keeps the one before to go back to. Gives null, or the problems of a text that
  // does not load; none when something else went wrong.
  async function change(work, words, isBack = false) {
    try {
      await work();
    } catch (error) {
      if (error.problem?.problems) return error.problem.problems;
      failed(error);
      return [];
    }
    if (!isBack) before.push({ name: scenario.name, text: scenario.text, source: scenario.source });
    forgetDraft(sandbox);
    history.replaceState(null, "", link("scenario"));
    say(words);
    await again();
    return null;
  }

  const put_ = (content) => put("PUT", of(sandbox, "/scenario"), content);
  const use = (name) => change(() => put_({ use: name }), `The scenario ${name} is in force; the sandbox begins anew.`);
  const drop = () => change(() => put("DELETE", of(sandbox, "/scenario")), "No scenario is in force.");
  const set = (text) => change(() => put_(text), "The scenario is in force; the sandbox begins anew.");

  async function back() {
    const last = before.pop();
    const wrong = await change(() => (last.name === null ? put("DELETE", of(sandbox, "/scenario")) : put_(last.source === "bundled" ? { use: last.name } : last.text)),
      last.name === null ? "No scenario is in force." : `The scenario ${last.name} is in force again.`, true);
    if (wrong) before.push(last);
    if (wrong?.length) failed(new Error(`It does not load any more: ${wrong[0].message}`));
  }

  // What the expectations come to takes a look at the whole journal, so a long one is judged when it is asked for.
  const stale = h("p", { role: "status" });
  async function count() {
    if (newest <= MOST_JUDGED) { await load(); return; }
    stale.replaceChildren("Requests have come since. ", button("Judge again", load));
  }

  async function load() {
    try {
      stale.replaceChildren();
      const [now, expectations] = await Promise.all([get(of(sandbox, "/scenario")), get(of(sandbox, "/expectations"))]);
      rules.replaceChildren(...figures(now, expectations, link));
    } catch (error) { failed(error); }
  }

  const choice = h("select", { name: "use" }, scenarios.map(({ name, source }) =>
    h("option", { value: name, selected: name === scenario.name }, source === "folder" ? `${name} (folder)` : name)));
  const inForce = scenario.text ?? "";
  const text = !entry ? inForce : query.from === undefined ? failNext(entry, query.how, inForce) : asRule(entry);
  box.append(h("h1", {}, "Scenario"),
    h("p", { class: "buttons" }, h("span", {}, scenario.name ? ["In force: ", h("strong", {}, scenario.name), ` (${scenario.source}).`] : "No scenario is in force: nothing fails on command."),
      scenario.name ? button("Go on without", drop) : null,
      before.length ? button(`Back to ${before.at(-1).name ?? "none"}`, back) : null),
    h("form", { class: "inline", onsubmit: (event) => { event.preventDefault(); use(choice.value); } },
      h("label", {}, "Switch to", choice), h("button", { class: "primary" }, "Use"),
      h("span", { class: "quiet" }, "Setting a scenario starts the sandbox anew.")),
    stale, rules, entry && query.from === undefined ? failing(entry, query, link) : "",
    await editor({ sandbox, text, inForce, isFresh: Boolean(entry), failed, set }));
  await load();
  let newest = 0;
  const later = soon(count, 300);
  const stop = onEntry((one) => { newest = one.number; later(); });
  return () => { stop(); later.stop(); };
}

// The exchange that a text is to begin with, when the address names one.
async function begun(sandbox, { from, fail }) {
  const number = Number(from ?? fail);
  if (!Number.isSafeInteger(number) || number < 1) return null;
  const { entries: [entry] } = await get(of(sandbox, `/journal?after=${number - 1}&limit=1`));
  return entry?.number === number ? entry : null;
}

// How the next call is to fail.
function failing(entry, query, link) {
  return h("form", { class: "inline", onsubmit: (event) => event.preventDefault() },
    h("label", { class: "wide" }, `The next call of ${entry.operation} gets`, h("select", { name: "how", onchange: (event) => {
      location.hash = link("scenario", [], { fail: query.fail, how: event.target.value });
    } }, Object.entries(FAILURES).map(([name, [title]]) => h("option", { value: name, selected: name === query.how }, title)))),
    h("span", { class: "quiet" }, "The text below has a rule for it, before the other rules. It is not set yet."));
}

function position({ steps, calls }) {
  if (!steps.length) return "";
  const next = calls < steps.length ? `next ${calls + 1} of ${steps.length}` : "all done: the real response";
  return h("span", { class: "statuses", role: "list", "aria-label": `Steps, ${next}` }, steps.map((step, index) =>
    h("span", { role: "listitem", class: `tag ${index < calls ? "passed" : index === calls ? "rule" : "unseen"}` },
      index === calls ? h("span", { class: "hidden" }, "next: ") : null, step)), h("span", { class: "quiet", role: "listitem" }, next));
}

function figures(now, { expectations, unfired }, link) {
  const parts = [];
  if (now.rules.length) {
    parts.push(h("h2", {}, "Rules"), table("Rules", ["Rule", "Where", { title: "Concerned", class: "right" }, { title: "Acted", class: "right" }, "Sequence"], now.rules.map((rule) => [
      h("a", { href: link("exchanges", [], { rule: rule.id }) }, rule.id), h("code", {}, rule.at), `${rule.calls} ×`, rule.fired ? `${rule.fired} ×` : "never", position(rule)])));
  }
  const near = unfired.filter((known) => known.differences.length);
  if (near.length) {
    parts.push(h("h2", {}, "Why they did not act"), near.map((known) => h("details", {},
      h("summary", {}, h("strong", {}, known.rule), known.number ? [" came nearest at ", h("a", { href: link("exchanges", [known.number]) }, `#${known.number}`)] : ""),
      differences(known))));
  }
  if (expectations.length) {
    parts.push(h("h2", {}, "Expectations"), h("ul", { class: "expectations" }, expectations.map((one) => h("li", { class: one.ok ? "good" : "bad" },
      h("strong", {}, one.ok ? "met" : "not met"), " ", h("code", {}, JSON.stringify(one.expect)), one.ok ? "" : ` ${one.message}`))));
  }
  return parts.flat();
}
