// The panel of the state: tables and rows, one row with its history and as text to edit, snapshots.

import { get, of, put } from "./admin.js";
import { agreed, button, h, say, table } from "./dom.js";
import { comparison, snapshots } from "./snapshots.js";

const MOST = 200; // rows that a page shows; a filter finds the others
const MOST_COLUMNS = 12; // members that the table shows; the row's page shows all
const EMPTY = new Set(['""', "[]", "{}", "null", undefined]); // values as JSON that say nothing
const WIDEST = 18; // characters of a cell that count for the width of its column
const MARGIN = 4, ID = 2; // what is beside the text, and how much wider the column of ids is
const LOOKED_AT = 200; // exchanges in which the last change of a row is looked for

export async function show(context) {
  const { sandbox, rest: [name], query, box, link, note, again, onEntry } = context;
  const [state, { entries }] = await Promise.all([get(of(sandbox, "/state")), get(of(sandbox, `/journal?limit=${LOOKED_AT}`))]);
  if (query.compare !== undefined) return comparison(context, state);
  if (query.row !== undefined) return row(context, state, name, query.row);
  const names = Object.keys(state.tables);
  const counts = (table_) => Object.values(state.tables[table_]).reduce((sum, rows) => sum + rows.length, 0);
  box.append(h("h1", {}, "State"));
  const stale = h("p", { role: "status" });
  // The last exchange that changed a row.
  const changers = new Map(entries.flatMap((entry) => entry.changes.map((change) => [`${change.table} ${change.id}`, entry.number])));
  if (!names.length) box.append(h("p", { class: "quiet" }, "Nothing is stored."));
  else {
    const current = names.includes(name) ? name : names[0];
    box.append(h("nav", { class: "tabs", "aria-label": "Tables" }, names.map((one) =>
      h("a", { href: link("state", [one]), "aria-current": one === current ? "page" : null }, `${one} (${counts(one)})`))), stale,
    rowsOf(state, current, query, link, note, changers));
  }
  box.append(await snapshots(context, state));
  return onEntry((entry) => {
    if (entry.changed) stale.replaceChildren("Rows have changed since. ", button("Show them", again));
  });
}

function idOf(row_) {
  return String(row_.id);
}

function rowsOf(state, name, query, link, note, changers) {
  const all = Object.entries(state.tables[name]).flatMap(([partition, rows]) => rows.map((one) => [partition, one])).reverse();
  const place = h("div");
  function draw(text) {
    const wanted = text.toLowerCase();
    const some = all.filter(([partition, one]) => !wanted || `${partition} ${JSON.stringify(one)}`.toLowerCase().includes(wanted));
    const members = columns(some.slice(0, MOST).map(([, one]) => membersOf(one)));
    const isParted = some.some(([partition]) => partition);
    place.replaceChildren(
      h("p", { class: "quiet" }, some.length > MOST ? `The newest ${MOST} of ${some.length} rows` : `${some.length} row${some.length === 1 ? "" : "s"}, newest first`),
      some.length ? rowTable(`Rows of ${name}`, [{ title: "id", class: "cell" }, "Changed by", ...(isParted ? [{ title: "partition", class: "cell" }] : []), ...members.map((title) => ({ title, class: "cell" }))],
        some.slice(0, MOST).map(([partition, one]) => {
          const own = membersOf(one);
          const changer = changers.get(`${name} ${idOf(one)}`);
          return [h("a", { href: link("state", [name], { row: idOf(one) }) }, idOf(one)),
            changer ? h("a", { href: link("exchanges", [changer]) }, `#${changer}`) : "", ...(isParted ? [partition] : []),
            ...members.map((key) => (own[key] === undefined ? "" : short(own[key])))];
        })) : "");
  }
  draw(query.text ?? "");
  return h("section", {}, h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
    h("label", { class: "text" }, "Text", h("input", { type: "search", name: "text", value: query.text ?? "", oninput: (event) => {
      note({ text: event.target.value });
      draw(event.target.value);
    } }))), place);
}

// The members that the table shows: those first in which the rows differ, and none that is empty in all of them.
function columns(rows) {
  const values = new Map();
  for (const row_ of rows) {
    for (const [key, value] of Object.entries(row_)) values.set(key, (values.get(key) ?? new Set()).add(JSON.stringify(value)));
  }
  const names = [...values.keys()].filter((name) => values.get(name).size > 1 || !EMPTY.has([...values.get(name)][0]));
  return [...names.filter((name) => values.get(name).size > 1), ...names.filter((name) => values.get(name).size === 1)].slice(0, MOST_COLUMNS);
}

// A table of rows: all of its columns are seen, each as wide as its share of the text.
function rowTable(caption, titles, rows) {
  const made = table(caption, titles, rows);
  made.classList.add("rows");
  const heads = [...made.querySelectorAll("th")], lines = [...made.querySelectorAll("tbody tr")].slice(0, LOOKED_AT);
  const shares = heads.map((head, index) => lines.reduce((most, line) => Math.max(most, Math.min(line.cells[index].textContent.length, WIDEST)), head.textContent.length) + MARGIN);
  shares[0] *= ID; // ids that are cut may look the same
  const sum = shares.reduce((total, share) => total + share, 0);
  made.querySelector("thead").before(h("colgroup", {}, shares.map((share) => h("col", { width: `${(100 * share) / sum}%` }))));
  return made;
}

// The members of a row but its id: those of one that is kept under its id, or its own.
function membersOf({ id: _, ...own }) {
  return own.data !== null && typeof own.data === "object" && !Array.isArray(own.data) && Object.keys(own).every((key) => key === "data" || key === "imagined")
    ? own.data : own;
}

function short(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

async function row({ sandbox, box, link, failed, again }, state, name, id) {
  const [partition, rows] = Object.entries(state.tables[name] ?? {}).find(([, some]) => some.some((one) => idOf(one) === id)) ?? ["", []];
  const found = rows.find((one) => idOf(one) === id);
  const { entries } = await get(of(sandbox, `/journal?limit=200&text=${encodeURIComponent(id.slice(0, 200))}`)).catch(() => ({ entries: [] }));
  const history = entries.flatMap((entry) => entry.changes.filter((change) => change.table === name && change.id === id).map((change) => [
    h("a", { href: link("exchanges", [entry.number]) }, `#${entry.number}`), entry.iso, change.change, entry.operation]));
  box.append(h("p", {}, h("a", { href: link("state", [name]) }, `‹ ${name}`)), h("h1", {}, id));
  if (!found) box.append(h("p", { class: "quiet" }, "There is no such row now."));
  else box.append(editing(found));
  box.append(h("h2", {}, "History"), history.length ? table("History", ["Exchange", "Time", "Change", "Operation"], history)
    : h("p", { class: "quiet" }, "No exchange that the journal holds has changed it."));

  async function write(replaced, words) {
    try {
      // Read again, so that what a client has stored meanwhile stays.
      const now = await get(of(sandbox, "/state"));
      const some = now.tables[name]?.[partition];
      if (!some) throw new Error("The table has gone meanwhile.");
      now.tables[name][partition] = some.flatMap((one) => (idOf(one) === id ? replaced : [one]));
      await put("PUT", of(sandbox, "/state"), now);
      failed(null);
      say(words);
      await again();
    } catch (error) { failed(error); }
  }

  function editing(one) {
    const area = h("textarea", { rows: 14, spellcheck: "false", "aria-label": "The row as JSON" }, JSON.stringify(one, null, 2));
    return h("form", { onsubmit: (event) => {
      event.preventDefault();
      let value;
      try { value = JSON.parse(area.value); } catch (error) { failed(new Error(`The row is not JSON: ${error.message}`)); return; }
      write([value], "The row is stored.");
    } }, partition ? h("p", {}, "Partition ", h("code", {}, partition)) : null, area, h("p", { class: "buttons" }, h("button", { class: "primary" }, "Store"),
      button("Delete the row", async () => { if (await agreed(`Delete ${id}?`, "Delete")) write([], "The row is deleted."); }, { class: "danger" })));
  }
}
