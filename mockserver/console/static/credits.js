// The panel of credits: the account, and the exchanges that were charged for or whose charge was lost.

import { get, newestEntries, of, put } from "./admin.js";
import { figure, h, say, soon, table, timeOfDay } from "./dom.js";
import { statusTag } from "./exchanges.js";

const MOST = 1000; // exchanges that are looked at

function isLost(entry) {
  return entry.committed && entry.faults.some((fault) => fault.startsWith("billing"));
}

function concerns(entry) {
  return entry.charged || isLost(entry) || entry.status === 402;
}

export async function show({ sandbox, box, link, onEntry, failed }) {
  const account = h("div"), ledger = h("div");
  let lines = []; // of the ledger, newest first

  async function load() {
    try {
      const credits = await get(of(sandbox, "/credits"));
      const number = (value) => value.toLocaleString("en");
      account.replaceChildren(
        h("p", { class: "figures" }, figure("Remaining", number(credits.remaining)), figure("Consumed", number(credits.consumed)), figure("Total", number(credits.total))),
        h("progress", { max: Math.max(credits.total, 1), value: credits.consumed, "aria-label": "Credits consumed" }));
      ledger.replaceChildren(lines.length ? table("Ledger",
        [{ title: "Exchange" }, "Time", "Operation", "Status", { title: "Charged", class: "right" }],
        lines.map((entry) => [h("a", { href: link("exchanges", [entry.number]) }, `#${entry.number}`), timeOfDay(entry.at, false), entry.operation,
          statusTag(entry), isLost(entry) ? h("span", { class: "tag declared" }, "billing write lost") : entry.charged ? number(entry.charged) : "not paid"]))
        : h("p", { class: "quiet" }, "Nothing has been charged."));
    } catch (error) {
      failed(error);
    }
  }

  const amount = h("input", { name: "remaining", type: "number", min: 0, max: 1e15, step: "any", required: true, value: 10 });
  box.append(h("h1", {}, "Credits"), account,
    h("form", { class: "inline", onsubmit: async (event) => {
      event.preventDefault();
      try {
        await put("PUT", of(sandbox, "/credits"), { remaining: Number(amount.value) });
        say(`${amount.value} credits remain.`);
        failed(null);
        await load();
      } catch (error) { failed(error); }
    } }, h("label", {}, "What remains", amount), h("button", { class: "primary" }, "Set")),
    h("h2", {}, "Ledger"), h("p", { class: "quiet" }, "From the newest 1,000 exchanges of the journal."), ledger);
  const later = soon(load, 150);
  const stop = onEntry((entry) => {
    if (!concerns(entry)) return;
    lines = [entry, ...lines].slice(0, MOST);
    later();
  });
  const before = await newestEntries(sandbox, MOST);
  const newest = before.at(-1)?.number ?? 0;
  lines = [...lines.filter((entry) => entry.number > newest), ...before.filter(concerns).reverse()];
  await load();
  return () => { stop(); later.stop(); };
}
