// Snapshots of a sandbox's state: saved on the server under a name, compared by row and member, put back, deleted.
// Must not know: how rows are shown or edited.

import { get, of, put } from "./admin.js";
import { agreed, button, h, say, table, timeOfDay } from "./dom.js";

const MOST = 300; // differences that a page shows
const SMALL = 1024 * 1024; // bytes of all snapshots up to which a list says what each differs in
const NAME = "[A-Za-z0-9]([A-Za-z0-9 ._\\-]{0,78}[A-Za-z0-9._\\-])?"; // as the admin API has it

function placed(sandbox, name, rest = "") {
  return of(sandbox, `/snapshots/${encodeURIComponent(name)}${rest}`);
}

// The list of snapshots with what can be done to them.
export async function snapshots({ sandbox, link, failed, again }, state) {
  const { snapshots: all } = await get(of(sandbox, "/snapshots"));
  const isSmall = all.reduce((sum, one) => sum + one.bytes, 0) <= SMALL;
  const since = await Promise.all(all.map(async ({ name }) => (isSmall ? summary(compared(await get(placed(sandbox, name)), state)) : "compare")));
  const name = h("input", { name: "name", maxlength: 80, pattern: NAME, title: "Letters, digits, spaces, and . _ -", value: free(all), required: true, autocomplete: "off" });

  const done = async (act, words) => {
    try {
      await act();
      say(words);
      await again();
    } catch (error) { failed(error); }
  };
  return h("section", {}, h("h2", {}, "Snapshots"),
    h("p", { class: "quiet" }, "Rows, counters and credits under a name, kept by the server until they are deleted: a reset leaves them. A comparison has an address that can be sent to others."),
    h("form", { class: "inline", onsubmit: (event) => {
      event.preventDefault();
      done(() => put("PUT", placed(sandbox, name.value)), `${name.value} is saved.`);
    } }, h("label", {}, "Name", name), h("button", {}, "Save a snapshot")),
    all.length ? table("Snapshots", ["Snapshot", "Saved", { title: "Rows", class: "right" }, "Since then", ""], all.map((one, index) => [
      one.name, [timeOfDay(one.at, false), one.exchange ? [", after ", h("a", { href: link("exchanges", [one.exchange]) }, `#${one.exchange}`)] : ""], one.rows.toLocaleString("en"),
      h("a", { href: link("state", [], { compare: one.name }), "aria-label": `Since ${one.name}: ${since[index]}` }, since[index]),
      h("span", { class: "buttons" },
        button("Restore", () => done(() => put("POST", placed(sandbox, one.name, "/restore")), `${one.name} is in place.`), { "aria-label": `Restore ${one.name}` }),
        button("Delete", async () => {
          if (await agreed(`Delete the snapshot ${one.name}?`, "Delete")) await done(() => put("DELETE", placed(sandbox, one.name)), `${one.name} is deleted.`);
        }, { "aria-label": `Delete ${one.name}`, class: "danger" }))])) : null);
}

// The first name that no snapshot has.
function free(all) {
  const taken = new Set(all.map((one) => one.name));
  for (let number = all.length + 1; ; number += 1) if (!taken.has(`snapshot ${number}`)) return `snapshot ${number}`;
}

// The page that compares a snapshot with the present state, or with another snapshot.
export async function comparison({ sandbox, query, box, link }, state) {
  const { snapshots: all } = await get(of(sandbox, "/snapshots"));
  const missing = [query.compare, query.with].find((name) => name && !all.some((one) => one.name === name));
  box.append(h("p", {}, h("a", { href: link("state") }, "‹ State")), h("h1", {}, `${query.compare} and ${query.with || "the present state"}`));
  if (missing || !query.compare) {
    box.append(h("p", {}, `The server keeps no snapshot ${missing ?? ""} of this sandbox.`));
    return;
  }
  const [one, other] = await Promise.all([get(placed(sandbox, query.compare)), query.with ? get(placed(sandbox, query.with)) : state]);
  const found = compared(one, other);
  box.append(
    h("form", { class: "inline", onsubmit: (event) => event.preventDefault() }, h("label", {}, "Compared with", h("select", { name: "with",
      onchange: (event) => { location.hash = link("state", [], { compare: query.compare, with: event.target.value }); } },
    h("option", { value: "" }, "the present state"), all.map(({ name }) => name === query.compare ? null
      : h("option", { value: name, selected: name === query.with }, name))))),
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
