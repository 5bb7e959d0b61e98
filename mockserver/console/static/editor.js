// The text of a scenario: completed from its schema, checked as it is written, with undo; what was begun is kept while the
// page is open. Must not know: other panels, or what a scenario in force does.

import { get, of, put } from "./admin.js";
import { completions } from "./completion.js";
import { agreed, button, h } from "./dom.js";
import { replaceText, withSuggestions } from "./suggestions.js";
import { placeAt } from "./yamlplace.js";

const drafts = new Map(); // texts that were begun and not set, by sandbox
let schema = null; // the same for all scenarios

// A function that gives the names which a text may hold, by their keys: those of the API that the text is for.
async function vocabulary(sandbox) {
  const [{ apis }, { scenarios }, { webhooks }] = await Promise.all([get("apis"), get("scenarios"), get(of(sandbox, "/webhooks"))]);
  return (text) => {
    const name = text.match(/^api: *["']?([\w.-]+)/m)?.[1], known = apis.some((api) => api.name === name);
    const operations = apis.filter((api) => !known || api.name === name).flatMap((api) => api.operations);
    return {
      api: apis.map((api) => api.name),
      op: ["*", ...operations.map((operation) => operation.id)],
      method: [...new Set(operations.map((operation) => operation.method))],
      path: operations.map((operation) => operation.path),
      extends: scenarios.map((one) => one.name),
      webhook: webhooks.filter((webhook) => !known || webhook.api === name).map((webhook) => webhook.name),
      rule: [...text.matchAll(/^\s*(?:- )?id:\s*["']?([\w.-]+)/gm)].map(([, id]) => id),
    };
  };
}

// `text` is what the editor begins with when nothing else was begun, `inForce` the text to go back to, "" for none.
// `set` gets the text, and gives the problems that it has.
export async function editor({ sandbox, text, inForce, isFresh, failed, set }) {
  const [names] = await Promise.all([vocabulary(sandbox), schema ?? get("scenarios/schema").then((got) => { schema = got; })]);
  const begun = isFresh ? text : drafts.get(sandbox) ?? text;
  const area = h("textarea", { rows: Math.min(24, Math.max(12, begun.split("\n").length + 2)), spellcheck: "false", autocapitalize: "off", autocomplete: "off",
    wrap: "off", "aria-label": "The scenario as YAML", "aria-describedby": "problems keys", maxlength: 1024 * 1024 }, begun);
  const problems = h("div", { id: "problems", role: "status" });
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

  function suggest(value, caret) {
    const place = placeAt(value, caret);
    const items = completions(place, value.slice(place.from, caret), schema, names(value));
    const gap = value[place.from - 1] === ":" ? " " : ""; // YAML wants a space behind the colon
    return { from: place.from, to: place.to, items: items.map((item) => ({ ...item, text: gap + item.text, caret: gap.length + item.caret })) };
  }

  area.addEventListener("input", () => {
    if (area.value === inForce) drafts.delete(sandbox);
    else drafts.set(sandbox, area.value);
    clearTimeout(timer);
    timer = setTimeout(check, 300);
  });
  if (begun) check();
  const step = (command) => () => { area.focus(); document.execCommand(command); };
  return h("form", { onsubmit: async (event) => {
    event.preventDefault();
    const wrong = await set(area.value);
    if (wrong?.length) tell(wrong);
  } }, h("h2", {}, "As text"),
  h("p", { class: "quiet", id: "keys" }, "Completions come as you type, or with Ctrl+Space; Enter or Tab takes one."),
  h("div", { class: "editor" }, area, withSuggestions(area, suggest)), problems,
  h("p", { class: "buttons" }, h("button", { class: "primary" }, "Set this scenario"),
    button("Undo", step("undo")), button("Redo", step("redo")),
    inForce ? button("Back to the one in force", async () => {
      if (area.value === inForce || await agreed("Throw away what was edited?", "Throw away")) replaceText(area, 0, area.value.length, inForce);
    }) : null));
}

// The text was set, so that nothing is begun any more.
export function forgetDraft(sandbox) {
  drafts.delete(sandbox);
}

function jump(area, { line, column }) {
  const before = area.value.split("\n").slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
  const at = before + Math.max(column - 1, 0);
  const end = area.value.indexOf("\n", at);
  area.focus();
  area.setSelectionRange(at, end < 0 ? area.value.length : end);
  area.scrollTop = Math.max(0, (line - 4) * parseFloat(getComputedStyle(area).lineHeight));
}
