// The page of one exchange: what came, what went, which stage or rule decided, and what to take elsewhere.

import { get, of } from "./admin.js";
import { bodyView, keptOf, violationList } from "./body.js";
import { asCurl, asPytest, asRule } from "./copies.js";
import { copyButton, duration, facts, h, table } from "./dom.js";
import { byOf, statusTag, tagsOf } from "./exchanges.js";
import { actingRule, idleRules } from "./rules.js";
import { storyOf } from "./story.js";
import { streamOf } from "./stream.js";

const STAGES = {
  route: "Route", rule: "Rule", key: "Key", limit: "Limit", prefer: "Prefer", validation: "Validation", credits: "Credits",
  idempotency: "Idempotency key", behaviour: "Behaviour", sample: "Sample", response: "Response check", webhook: "Webhook",
  fault: "Fault",
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
    const message = entry[part], kept = keptOf(message);
    box.append(h("p", {}, h("a", { href: link("exchanges", [number], query) }, `‹ Exchange ${number}`)),
      h("h1", {}, `The ${part} body of exchange ${number}`),
      kept ? h("p", {}, `The journal keeps ${kept} of this body; --journal-body of the server says how much.`) : "", bodyView(message?.body ?? null, [], null));
    return;
  }
  const [{ verdicts }, world, why] = await Promise.all([
    get(of(sandbox, `/retries?number=${number}`)), get(of(sandbox)), get(of(sandbox, `/journal/${number}/why`)),
  ]);
  for (const violation of why.violations) violation.by = byOf(violation.side);
  const story = await storyOf(entry, verdicts, sandbox, link);
  const title = `${entry.method} ${entry.path}${entry.query ? `?${entry.query}` : ""}`;
  box.append(
    h("nav", { class: "between", "aria-label": "Exchanges" }, h("a", { href: link("exchanges", [], query) }, "‹ All exchanges"),
      entry.number > 1 ? h("a", { href: link("exchanges", [entry.number - 1], query) }, `#${entry.number - 1}`) : null,
      entry.number < world.requests ? h("a", { href: link("exchanges", [entry.number + 1], query) }, `#${entry.number + 1}`) : null),
    h("h1", { class: "exchange" }, statusTag(entry), " ", h("span", {}, title)),
    h("p", { class: "because" }, why.sentences[0], " ", tagsOf(entry)),
    ...why.sentences.slice(1).map((sentence) => h("p", {}, sentence)),
    stages(why.stages),
    facts([
      ["Number", `#${entry.number}`], ["Time", entry.iso], ["Operation", entry.operation], ["API", entry.api],
      ["Took", duration(entry.duration_ms / 1000)], ["Charged", entry.charged ? `${entry.charged} credit${entry.charged === 1 ? "" : "s"}` : ""],
      ["Rows changed", entry.changed ? changes(entry, link) : ""], ["Lost", entry.lost], ["Faults", entry.faults.join(", ")],
      ["Announced violation", entry.violates],
    ]),
    h("p", { class: "buttons" }, copies(entry, world),
      entry.operation ? h("a", { class: "button", href: link("scenario", [], { fail: entry.number }) }, "Make this fail next time") : null),
    ...violations(why), ...actingRule(entry, why.rules, link), ...story, ...streamOf(entry.stream),
    h("div", { class: "pair" },
      message("Request", entry.request, inBody(why, "client"), link("exchanges", [number, "request"], query)),
      message("Response", entry.response, inBody(why, "server", "upstream", "declared"), link("exchanges", [number, "response"], query),
        entry.lost ? `No whole response left: ${entry.lost}.` : "Nothing was answered.")),
    ...idleRules(why.rules),
    entry.traceback ? h("section", {}, h("h2", {}, "Traceback"), h("pre", { class: "body", tabindex: 0 }, entry.traceback)) : "",
  );
}

// What a client sent to an API can be sent again; what the server sent itself, or nobody answers for, cannot.
function copies(entry, world) {
  const base = world.base_urls[entry.api];
  if (entry.stage === "webhook" || !base) return [];
  const file = () => get(of(entry.sandbox, `/journal/${entry.number}/exchange-file`));
  return [
    copyButton("Copy as curl", () => asCurl(entry, new URL(base).origin, world.client_kwargs[entry.api].api_key)),
    entry.operation ? copyButton("Copy as scenario rule", () => asRule(entry)) : null,
    copyButton("Copy as pytest", async () => asPytest(entry, base, await file())),
    copyButton("Copy as exchange file", async () => (await file()).text),
  ];
}

// The stages that the request went through, each with what was found there.
function stages(passed) {
  const words = { passed: ": passed", acted: ": something was changed", decided: ": decided here" };
  return h("ol", { class: "stages", "aria-label": "Stages of the request" }, passed.map(({ stage, outcome, note }) =>
    h("li", { class: outcome }, h("strong", {}, STAGES[stage] ?? stage), h("span", { class: "hidden" }, words[outcome]), " ", note)));
}

function inBody(why, ...sides) {
  return why.violations.filter((violation) => violation.where === "body" && sides.includes(violation.side));
}

// Those that stand in no body: of parameters, headers, the status.
function violations(why) {
  const elsewhere = why.violations.filter((violation) => violation.where !== "body");
  if (!elsewhere.length) return [];
  return [h("section", {}, h("h2", {}, "Violations of the contract"), violationList(elsewhere))];
}

function changes(entry, link) {
  return h("ul", { class: "inline" }, entry.changes.map(({ change, table: name, id }) =>
    h("li", {}, `${change} `, h("a", { href: link("state", [name], { row: id }) }, `${name} ${id}`))),
  entry.changed > entry.changes.length ? h("li", {}, `and ${entry.changed - entry.changes.length} more`) : null);
}

function message(title, content, violating, whole, none) {
  if (!content) return h("section", {}, h("h2", {}, title), h("p", { class: "quiet" }, none));
  const headers = Object.entries(content.headers).flatMap(([name, value]) => [value].flat().map((line) => [h("code", {}, name), h("code", {}, line)]));
  return h("section", {}, h("h2", {}, title), h("details", {}, h("summary", {}, `${headers.length} headers`),
    table(`Headers of the ${title.toLowerCase()}`, ["Header", "Value"], headers)),
  bodyView(content.body, violating, whole, keptOf(content)));
}

