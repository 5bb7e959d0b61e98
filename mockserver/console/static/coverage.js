// Coverage as a matrix: for each operation and status how often it was seen without a fault and under each fault.
// Must not know: the admin API.

import { h, table } from "./dom.js";

// The faults that were done, in the order of their names.
export function faultsOf(cells) {
  return [...new Set(cells.map((cell) => cell.fault).filter(Boolean))].sort();
}

// `operations` is what coverage says of each, `cells` what the journal has. A cell holds the statuses, each with a link to
// its exchanges; a declared status that nobody has received stands without a fault and without a number.
export function matrix(operations, cells, link) {
  const faults = ["", ...faultsOf(cells)];
  const byOperation = Map.groupBy(cells, (cell) => `${cell.api} ${cell.operation}`);
  return table("Coverage", ["Operation", ...faults.map((fault) => fault || "no fault")], operations.map((one) => {
    const own = byOperation.get(`${one.api} ${one.operation}`) ?? [];
    return [h("a", { href: link("contract", [one.api, one.operation]) }, one.operation),
      ...faults.map((fault) => h("span", { class: "statuses" }, statuses(one, own, fault, link)))];
  }));
}

function statuses(one, cells, fault, link) {
  const shown = new Map(cells.filter((cell) => cell.fault === fault).map((cell) => [String(cell.status), seen(one, cell, link)]));
  if (!fault) {
    // The counters remember what the journal has dropped.
    for (const [status, count] of Object.entries(one.statuses)) {
      const isKept = cells.some((cell) => String(cell.status) === status);
      if (!isKept) shown.set(status, h("span", { class: `tag s${status[0]}`, title: "no longer in the journal" }, `${status} × ${count}`));
    }
    for (const status of one.unseen) shown.set(status, h("span", { class: "tag unseen", title: "declared, not received yet" }, status));
  }
  return [...shown].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, tag]) => tag);
}

function seen(one, cell, link) {
  const status = cell.status ? String(cell.status) : "no response";
  return h("a", { class: `tag s${status === "no response" ? 0 : status[0]}`, href: link("exchanges", [], { api: one.api, operation: one.operation, status: String(cell.status), fault: cell.fault || "none" }),
    title: `${cell.count} exchanges with ${cell.fault || "no fault"}` }, `${status} × ${cell.count}`);
}
