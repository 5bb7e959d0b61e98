// The attempts of one call as a story on a time line: attempt 1, the wait, attempt 2, and so on.

import { get, of } from "./admin.js";
import { duration, h, timeOfDay } from "./dom.js";
import { statusTag } from "./exchanges.js";

const MOST = 20; // attempts that are drawn
const WIDEST = 12; // ems of the longest wait

// The section of an exchange that was retried or is a retry; nothing for another one.
export async function storyOf(entry, verdicts, sandbox, link) {
  const verdict = verdicts.find((known) => known.attempts.includes(entry.number));
  if (!verdict || verdict.attempts.length < 2) return [];
  const at = verdict.attempts.indexOf(entry.number);
  const first = Math.max(0, Math.min(at - MOST / 2, verdict.attempts.length - MOST));
  const shown = verdict.attempts.slice(first, first + MOST);
  const attempts = await Promise.all(shown.map(async (number) => {
    if (number === entry.number) return entry;
    const { entries } = await get(of(sandbox, `/journal?after=${number - 1}&limit=1`));
    return entries.find((one) => one.number === number) ?? { number };
  }));
  const longest = Math.max(...attempts.slice(1).map((one) => one.waited ?? 0), 0.001);
  return [h("section", {}, h("h2", {}, "Retries"),
    h("ol", { class: "story", "aria-label": "Attempts of this call" }, attempts.map((one, index) => [
      index ? waited(one, longest) : null, attempt(one, first + index + 1, one.number === entry.number, link)])),
    shown.length < verdict.attempts.length ? h("p", { class: "quiet" }, `${shown.length} of ${verdict.attempts.length} attempts.`) : null,
    h("p", {}, verdict.explain))];
}

function attempt(one, place, isThis, link) {
  const name = `attempt ${place} (#${one.number})`;
  return h("li", { class: isThis ? "attempt this" : "attempt" },
    isThis ? h("strong", {}, name) : h("a", { href: link("exchanges", [one.number]) }, name), " ",
    one.at === undefined ? h("span", { class: "quiet" }, "no longer in the journal") : [statusTag(one), " ", h("time", { datetime: one.iso }, timeOfDay(one.at))],
    isThis ? h("span", { class: "hidden" }, " this exchange") : null);
}

function waited(one, longest) {
  if (one.waited === null || one.waited === undefined) return null;
  const line = h("span", { class: "wait", "aria-hidden": "true" });
  line.style.setProperty("--wait", `${Math.max(1, WIDEST * one.waited / longest)}em`); // by script: the policy allows no style attribute
  return h("li", { class: one.early_by > 0 ? "waited early" : "waited" }, line, `waited ${duration(one.waited)}`,
    one.early_by > 0 ? h("span", { class: "bad" }, `, ${duration(one.early_by)} less than Retry-After said`) : null);
}
