// Snapshots of a state: kept while the page is open, compared by row and member, put back.
// Must not know: how rows are shown or edited.

import { get, of, put } from "./admin.js";
import { button, h, say, table } from "./dom.js";

const MOST = 300; // differences that a page shows
const kept = new Map(); // by sandbox: what was saved, {name, at, state}

function of_(sandbox) {
  if (!kept.has(sandbox)) kept.set(sandbox, []);
  return kept.get(sandbox);
}

// The list of snapshots with what can be done to them.
export function snapshots({ sandbox, link, failed, again }, state) {
  const all = of_(sandbox);
  const name = h("input", { name: "name", maxlength: 80, placeholder: `snapshot ${all.length + 1}`, autocomplete: "off" });
  return h("section", {}, h("h2", {}, "Snapshots"),
    h("p", { class: "quiet" }, "Kept while this page is open: rows, counters and credits."),
    h("form", { class: "inline", onsubmit: async (event) => {
      event.preventDefault();
      try {
        all.push({ name: name.value.trim() || `snapshot ${all.length + 1}`, at: new Date(), state: await get(of(sandbox, "/state")) });
        await again();
      } catch (error) { failed(error); }
    } }, h("label", {}, "Name", name), h("button", {}, "Save a snapshot")),
    all.length ? table("Snapshots", ["Snapshot", "Saved", "Since then", ""], all.map((one, index) => [
      one.name, one.at.toLocaleTimeString("en-GB"), h("a", { href: link("state", [], { compare: index + 1 }) }, summary(compared(one.state, state))),
      button("Restore", async () => {
        try {
          await put("PUT", of(sandbox, "/state"), one.state);
          say(`${one.name} is in place.`);
          await again();
        } catch (error) { failed(error); }
      }, { "aria-label": `Restore ${one.name}` })])) : null);
}

// The page that compares a snapshot with the present state, or with another snapshot.
export function comparison({ sandbox, query, box, link }, state) {
  const all = of_(sandbox), one = all[Number(query.compare) - 1], other = all[Number(query.with) - 1];
  box.append(h("p", {}, h("a", { href: link("state") }, "‹ State")));
  if (!one) {
    box.append(h("h1", {}, "Snapshots"), h("p", { class: "quiet" }, "This snapshot is no longer kept: the page was loaded anew."));
    return;
  }
  const found = compared(one.state, other ? other.state : state);
  box.append(h("h1", {}, `${one.name} and ${other ? other.name : "the present state"}`),
    h("form", { class: "inline", onsubmit: (event) => event.preventDefault() }, h("label", {}, "Compared with", h("select", { name: "with",
      onchange: (event) => { location.hash = link("state", [], { compare: query.compare, with: event.target.value }); } },
    h("option", { value: "" }, "the present state"), all.map((known, index) => known === one ? null
      : h("option", { value: index + 1, selected: known === other }, known.name))))),
    h("p", { role: "status" }, `${summary(found)}.`),
    found.length ? table("Differences", ["Where", "Row", "Change", "Member", "Before", "After"], found.slice(0, MOST).map((difference) => [
      difference.table, difference.isRow ? h("a", { href: link("state", [difference.table], { row: difference.id }) }, difference.id) : difference.id,
      h("span", { class: `tag ${difference.change}` }, difference.change), h("code", {}, difference.member), value(difference.before), value(difference.after)])) : "",
    found.length > MOST ? h("p", { class: "quiet" }, `The first ${MOST} of ${found.length} differences.`) : "");
}

function value(content) {
  if (content === undefined) return "";
  const text = JSON.stringify(content);
  return h("code", {}, text.length > 200 ? `${text.slice(0, 200)}…` : text);
}

// What differs between two states: a line for each member of a row that was changed, and for each row that was added or
// removed, then counters and credits.
export function compared(before, after) {
  const found = [];
  for (const name of new Set([...Object.keys(before.tables), ...Object.keys(after.tables)])) {
    const [old, now] = [before, after].map((state) => new Map(Object.entries(state.tables[name] ?? {}).flatMap(([partition, rows]) =>
      rows.map((row) => [JSON.stringify([partition, String(row.id)]), row]))));
    for (const key of new Set([...old.keys(), ...now.keys()])) {
      const [partition, id] = JSON.parse(key), line = { table: name, id, partition, isRow: true, member: "" };
      if (!now.has(key)) found.push({ ...line, change: "removed", before: old.get(key) });
      else if (!old.has(key)) found.push({ ...line, change: "added", after: now.get(key) });
      else found.push(...members(old.get(key), now.get(key)).map((difference) => ({ ...line, change: "changed", ...difference })));
    }
  }
  for (const name of ["counters", "credits"]) {
    found.push(...members(before[name], after[name]).map((difference) => ({ table: name, id: "", isRow: false, change: "changed", ...difference })));
  }
  return found;
}

// The members that differ, each with its JSON Pointer; a list of another length is told as one.
function members(before, after, pointer = "") {
  const isOpen = (one) => one !== null && typeof one === "object";
  if (!isOpen(before) || !isOpen(after) || Array.isArray(before) !== Array.isArray(after) || (Array.isArray(before) && before.length !== after.length)) {
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ member: pointer, before, after }];
  }
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
    members(before[key], after[key], `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`));
}

// How many rows differ and how, and what was consumed.
function summary(found) {
  const rows = (change) => new Set(found.filter((one) => one.isRow && one.change === change).map((one) => JSON.stringify([one.table, one.partition, one.id]))).size;
  const consumed = found.find((one) => one.table === "credits" && one.member === "/consumed");
  const words = [...["added", "changed", "removed"].map((change) => rows(change) && `${rows(change)} ${change}`),
    consumed && `${consumed.after - consumed.before} credit${consumed.after - consumed.before === 1 ? "" : "s"} consumed`].filter(Boolean);
  return words.join(", ") || (found.length ? "only counters and credits differ" : "no difference");
}
