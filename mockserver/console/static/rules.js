// What the rules of a scenario made of an exchange: the one that acted, the near miss, and why each other one did not.
// Must not know: the admin API.

import { h, table } from "./dom.js";
import { listing } from "./excerpts.js";

// The near miss with its difference, and why each other rule did not act.
export function idleRules(rules) {
  const idle = rules.filter((rule) => !rule.acted);
  const near = idle.find((rule) => rule.nearest);
  const others = idle.filter((rule) => rule !== near);
  return [
    near ? h("section", {}, h("h2", {}, `The near miss: rule ${near.rule}`), whyNot(near)) : null,
    others.length ? h("section", {}, h("h2", {}, near ? "Other rules that did not act" : "Rules that did not act"), others.map((rule) =>
      h("details", { class: "idle" }, h("summary", {}, h("strong", {}, rule.rule), " ", h("code", {}, rule.at), " ", h("span", { class: "quiet" }, inShort(rule))),
        whyNot(rule)))) : null,
  ].filter(Boolean);
}

// The rule that acted, with its lines.
export function actingRule(entry, rules, link) {
  if (!entry.rule) return [];
  const rule = rules.find((one) => one.acted);
  return [h("section", {}, h("h2", {}, `The rule that acted: ${entry.rule}`),
    h("p", {}, "It stands at ", h("code", {}, entry.rule_at), rule ? `. This was call ${entry.rule_call} that it counted. ` : " of a scenario that is no longer in force. ",
      h("a", { href: link("scenario") }, "Scenario")),
    rule ? listing(rule.lines, 0, `Rule ${rule.rule}`) : null)];
}

function whyNot(rule) {
  return h("div", { class: "pair" }, h("div", {}, h("p", {}, "It stands at ", h("code", {}, rule.at), "."), listing(rule.lines, 0, `Rule ${rule.rule}`)), differences(rule));
}

function inShort(rule) {
  const [first, ...more] = rule.differences;
  if (!first) return "";
  return `${first.where}: expected ${first.expected}, found ${first.found}${more.length ? `, and ${more.length} more` : ""}`;
}

export function differences(known) {
  return table(`Why rule ${known.rule} did not act`, ["Where", "The rule expects", "The request has"],
    known.differences.map((one) => [h("code", {}, one.where), one.expected, one.found]));
}
