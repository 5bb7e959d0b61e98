// The page of one exchange: what came, what went, which stage or rule decided, and what to take elsewhere.

import { get, of } from "./admin.js";
import { bodyView, violationText } from "./body.js";
import { asCurl, asPytest, asRule } from "./copies.js";
import { copyButton, duration, facts, h, table } from "./dom.js";
import { statusTag, whyOf } from "./exchanges.js";

const STAGES = [
  ["route", "Route"], ["key", "Key"], ["limit", "Limit"], ["prefer", "Prefer"], ["validation", "Validation"],
  ["rule", "Rule"], ["credits", "Credits"], ["behaviour", "Behaviour"], ["sample", "Sample"], ["response", "Response check"],
];
const DECIDED = {
  route: "No operation was found.",
  key: "The key was refused.",
  limit: "The rate limit was used up.",
  prefer: "The client asked for this response with Prefer.",
  validation: "The request breaks the contract.",
  rule: "A rule of the scenario gave the response.",
  credits: "Too few credits remained.",
  behaviour: "The stored rows gave the response.",
  sample: "A sample made from the contract is the response.",
  response: "The response broke the contract.",
};

async function entryOf(sandbox, number) {
  if (!/^[1-9]\d{0,14}$/.test(number)) throw new Error(`${number.slice(0, 40)} is not the number of an exchange.`);
  const { entries: [entry] } = await get(of(sandbox, `/journal?after=${number - 1}&limit=1`));
  if (entry?.number !== Number(number)) throw new Error(`The journal does not hold exchange ${number}: it came before its beginning, or is yet to come.`);
  return entry;
}

export async function show(context) {
  const { sandbox, rest: [number, part], query, box, link } = context;
  const entry = await entryOf(sandbox, number);
  if (part === "request" || part === "response") {
    const message = entry[part];
    box.append(h("p", {}, h("a", { href: link("exchanges", [number], query) }, `‹ Exchange ${number}`)),
      h("h1", {}, `The ${part} body of exchange ${number}`), bodyView(message?.body ?? null, [], null));
    return;
  }
  const [scenario, expectations, { verdicts }, world] = await Promise.all([
    get(of(sandbox, "/scenario")), get(of(sandbox, "/expectations")), get(of(sandbox, "/retries")), get(of(sandbox)),
  ]);
  const title = `${entry.method} ${entry.path}${entry.query ? `?${entry.query}` : ""}`;
  box.append(
    h("nav", { class: "between", "aria-label": "Exchanges" }, h("a", { href: link("exchanges", [], query) }, "‹ All exchanges"),
      entry.number > 1 ? h("a", { href: link("exchanges", [entry.number - 1], query) }, `#${entry.number - 1}`) : null,
      entry.number < world.requests ? h("a", { href: link("exchanges", [entry.number + 1], query) }, `#${entry.number + 1}`) : null),
    h("h1", { class: "exchange" }, statusTag(entry), " ", h("span", {}, title)),
    h("p", { class: "because" }, DECIDED[entry.stage] ?? "", " ", whyOf(entry)),
    stages(entry),
    facts([
      ["Number", `#${entry.number}`], ["Time", entry.iso], ["Operation", entry.operation], ["API", entry.api],
      ["Took", duration(entry.duration_ms / 1000)], ["Charged", entry.charged ? `${entry.charged} credits` : ""],
      ["Rows changed", entry.changed ? changes(entry, link) : ""], ["Lost", entry.lost], ["Faults", entry.faults.join(", ")],
      ["Announced violation", entry.violates],
    ]),
    h("p", { class: "buttons" },
      copyButton("Copy as curl", () => asCurl(entry, new URL(world.base_urls[entry.api] ?? location.href).origin)),
      copyButton("Copy as scenario rule", () => asRule(entry)),
      world.base_urls[entry.api] ? copyButton("Copy as pytest",
        () => asPytest(entry, world.base_urls[entry.api], scenario.source === "bundled" ? scenario.name : "")) : null,
      entry.operation ? h("a", { class: "button", href: link("scenario", [], { fail: entry.number }) }, "Make this fail next time") : null),
    ...violations(entry), ...story(entry, verdicts, link), ...rule(entry, scenario, link), ...nearMisses(entry, expectations),
    h("div", { class: "pair" },
      message("Request", entry.request, inBody(entry, "client"), link("exchanges", [number, "request"], query)),
      message("Response", entry.response, inBody(entry, "server", "declared"), link("exchanges", [number, "response"], query),
        entry.lost ? `No whole response left: ${entry.lost}.` : "Nothing was answered.")),
    entry.traceback ? h("section", {}, h("h2", {}, "Traceback"), h("pre", { class: "body", tabindex: 0 }, entry.traceback)) : "",
  );
}

function stages(entry) {
  const at = STAGES.findIndex(([name]) => name === entry.stage);
  if (at < 0) return "";
  return h("ol", { class: "stages", "aria-label": "Stages of the request" }, STAGES
    .filter(([name], index) => index <= at ? name !== "prefer" || index === at : name !== "sample" && name !== "prefer")
    .map(([name, title]) => {
      const index = STAGES.findIndex(([known]) => known === name);
      const where = index < at ? "before" : index === at ? "decided" : "after";
      return h("li", { class: where }, title, h("span", { class: "hidden" },
        { before: ": before the decision", decided: ": decided here", after: ": after the decision" }[where]));
    }));
}

function inBody(entry, ...sides) {
  return entry.violations.filter((violation) => violation.where === "body" && sides.includes(violation.side));
}

function violations(entry) {
  if (!entry.violations.length) return [];
  return [h("section", {}, h("h2", {}, "Violations of the contract"),
    h("ul", { class: "violations" }, entry.violations.map((violation) => h("li", {}, violationText(violation)))))];
}

function changes(entry, link) {
  return h("ul", { class: "inline" }, entry.changes.map(({ change, table: name, id }) =>
    h("li", {}, `${change} `, h("a", { href: link("state", [name], { row: id }) }, `${name} ${id}`))),
  entry.changed > entry.changes.length ? h("li", {}, `and ${entry.changed - entry.changes.length} more`) : null);
}

// The retries that this exchange is a part of, as one story.
function story(entry, verdicts, link) {
  const verdict = verdicts.find((known) => known.attempts.includes(entry.number));
  if (!verdict || verdict.attempts.length < 2) return [];
  return [h("section", {}, h("h2", {}, "Retries"),
    h("ol", { class: "story" }, verdict.attempts.map((number, index) => h("li", {},
      number === entry.number ? h("strong", {}, `attempt ${index + 1} (#${number}, this one)`)
        : h("a", { href: link("exchanges", [number]) }, `attempt ${index + 1} (#${number})`)))),
    h("p", {}, verdict.explain),
    entry.waited === null ? null : h("p", {}, `The client waited ${duration(entry.waited)} before this attempt`,
      entry.early_by > 0 ? `, ${duration(entry.early_by)} less than Retry-After said.` : "."))];
}

// The lines of a scenario's text that a rule takes, by where it stands.
function excerpt(text, at) {
  const first = Number(at.split(":").pop());
  const lines = text?.split("\n") ?? [];
  if (!first || !lines[first - 1]?.trim()) return "";
  const indent = (line) => line.search(/\S|$/);
  let last = first;
  while (last < lines.length && (!lines[last].trim() || indent(lines[last]) > indent(lines[first - 1]))) last += 1;
  return lines.slice(first - 1, last).map((line, index) => `${String(first + index).padStart(4)}  ${line}`).join("\n").trimEnd();
}

function rule(entry, scenario, link) {
  if (!entry.rule) return [];
  const known = scenario.rules.find((one) => one.id === entry.rule);
  const text = known?.at === entry.rule_at ? excerpt(scenario.text, entry.rule_at) : "";
  return [h("section", {}, h("h2", {}, `The rule that acted: ${entry.rule}`),
    h("p", {}, "It stands at ", h("code", {}, entry.rule_at), known ? ` and has acted ${known.fired === 1 ? "once" : `${known.fired} times`}. ` : " of a scenario that is no longer in force. ",
      h("a", { href: link("scenario") }, "Scenario")),
    text ? h("pre", { class: "body", tabindex: 0 }, text) : null)];
}

function nearMisses(entry, expectations) {
  const missed = expectations.unfired.filter((known) => known.number === entry.number);
  if (!missed.length) return [];
  return [h("section", {}, h("h2", {}, "Rules that have never acted, and came nearest here"),
    missed.map((known) => h("div", {}, h("h3", {}, known.rule, " ", h("code", {}, known.at)), differences(known))))];
}

export function differences(known) {
  return table(`Why rule ${known.rule} did not act`, ["Where", "The rule expects", "The request has"],
    known.differences.map((one) => [h("code", {}, one.where), one.expected, one.found]));
}

function message(title, content, violating, whole, none) {
  if (!content) return h("section", {}, h("h2", {}, title), h("p", { class: "quiet" }, none));
  const headers = Object.entries(content.headers).flatMap(([name, value]) => [value].flat().map((line) => [h("code", {}, name), h("code", {}, line)]));
  return h("section", {}, h("h2", {}, title), h("details", {}, h("summary", {}, `${headers.length} headers`),
    table(`Headers of the ${title.toLowerCase()}`, ["Header", "Value"], headers)),
  bodyView(content.body, violating, whole));
}

