// The panel of the scenario: switch to a bundled one, edit the text with the checker's errors, see what rules did.

import { get, of, put } from "./admin.js";
import { asRule, failNext } from "./copies.js";
import { agreed, button, h, say, soon, table } from "./dom.js";
import { differences } from "./rules.js";

const MOST_JUDGED = 1000; // requests of a sandbox whose expectations are judged after each

export async function show({ sandbox, query, box, link, again, failed, onEntry }) {
  const [{ scenarios }, scenario] = await Promise.all([get("scenarios"), get(of(sandbox, "/scenario"))]);
  const draft = await begun(sandbox, query);
  const rules = h("div");
  const editor = editing(sandbox, draft || scenario.text || "", scenario, failed, used);

  async function used(text) {
    history.replaceState(null, "", link("scenario"));
    say(text);
    await again();
  }

  async function use(name) {
    try {
      await put("PUT", of(sandbox, "/scenario"), { use: name });
      await used(`The scenario ${name} is in force; the sandbox begins anew.`);
    } catch (error) { failed(error); }
  }

  async function drop() {
    try {
      await put("DELETE", of(sandbox, "/scenario"));
      await used("No scenario is in force.");
    } catch (error) { failed(error); }
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
  box.append(h("h1", {}, "Scenario"),
    h("p", {}, scenario.name ? ["In force: ", h("strong", {}, scenario.name), ` (${scenario.source}). `] : "No scenario is in force: nothing fails on command. ",
      scenario.name ? button("Go on without", drop) : null),
    h("form", { class: "inline", onsubmit: (event) => { event.preventDefault(); use(choice.value); } },
      h("label", {}, "Switch to", choice), h("button", { class: "primary" }, "Use"),
      h("span", { class: "quiet" }, "Setting a scenario starts the sandbox anew.")),
    stale, rules, editor);
  await load();
  let newest = 0;
  const later = soon(count, 300);
  const stop = onEntry((entry) => { newest = entry.number; later(); });
  return () => { stop(); later.stop(); };
}

// A text that begins with an exchange, when the address names one.
async function begun(sandbox, { from, fail }) {
  const number = Number(from ?? fail);
  if (!Number.isSafeInteger(number) || number < 1) return "";
  const { entries: [entry] } = await get(of(sandbox, `/journal?after=${number - 1}&limit=1`));
  if (entry?.number !== number) return "";
  return from === undefined ? failNext(entry) : asRule(entry);
}

function editing(sandbox, text, scenario, failed, used) {
  const area = h("textarea", { rows: Math.min(24, Math.max(10, text.split("\n").length + 2)), spellcheck: "false", autocapitalize: "off",
    "aria-label": "The scenario as YAML", "aria-describedby": "problems", maxlength: 1024 * 1024 }, text);
  const problems = h("div", { id: "problems", role: "status" });
  const set = h("button", { class: "primary" }, "Set this scenario");
  let timer = 0, asked = 0;

  async function check() {
    const mine = ++asked;
    if (!area.value.trim()) { problems.replaceChildren(); return; }
    try {
      const verdict = await put("POST", "scenarios/check", area.value);
      if (mine === asked) tell(verdict.problems);
    } catch (error) {
      if (mine === asked) failed(error);
    }
  }

  function tell(list) {
    area.setAttribute("aria-invalid", String(list.length > 0));
    problems.replaceChildren(list.length ? h("ul", { class: "problems" }, list.map((problem) => h("li", {},
      problem.line ? button(`${problem.line}:${problem.column}`, () => jump(area, problem), { class: "place", "aria-label": `Go to line ${problem.line}, column ${problem.column}` }) : null,
      problem.rule ? h("code", {}, `rule ${problem.rule}`) : null, " ", problem.message)))
      : h("p", { class: "good" }, "It loads."));
  }

  area.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(check, 300); });
  if (text) check();
  return h("form", { onsubmit: async (event) => {
    event.preventDefault();
    try {
      await put("PUT", of(sandbox, "/scenario"), area.value);
      await used("The scenario is in force; the sandbox begins anew.");
    } catch (error) {
      if (error.problem?.problems) tell(error.problem.problems);
      else failed(error);
    }
  } }, h("h2", {}, "As text"), area, problems, h("p", { class: "buttons" }, set,
    scenario.text ? button("Back to the one in force", async () => {
      if (area.value === scenario.text || await agreed("Throw away what was edited?", "Throw away")) {
        area.value = scenario.text;
        check();
      }
    }) : null));
}

function jump(area, { line, column }) {
  const before = area.value.split("\n").slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  const at = before + Math.max(column - 1, 0);
  const end = area.value.indexOf("\n", at);
  area.focus();
  area.setSelectionRange(at, end < 0 ? area.value.length : end);
  area.scrollTop = Math.max(0, (line - 4) * parseFloat(getComputedStyle(area).lineHeight));
}

function figures(now, { expectations, unfired }, link) {
  const parts = [];
  if (now.rules.length) {
    parts.push(h("h2", {}, "Rules"), table("Rules", ["Rule", "Where", { title: "Acted", class: "right" }], now.rules.map((rule) => [
      h("a", { href: link("exchanges", [], { rule: rule.id }) }, rule.id), h("code", {}, rule.at), rule.fired ? `${rule.fired} ×` : "never"])));
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
