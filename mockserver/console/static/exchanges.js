// The panel of exchanges: the newest of the journal, filtered, with new ones as they come.

import { get, of } from "./admin.js";
import { faultsOf } from "./coverage.js";
import { button, duration, h, timeOfDay } from "./dom.js";

const STEP = 200; // entries that are loaded first
const OLDER = 500; // entries that are added when more are asked for
const MOST = 10_000; // rows that a page holds
const GROUP = 50; // rows that are made, and drawn or not, together
const PHONE = "(max-width: 44rem)"; // as style.css has it
const FILTERS = ["api", "operation", "status", "side", "rule", "fault", "text"];

export async function show({ sandbox, query, box, link, note, failed, onEntry }) {
  const filter = Object.fromEntries(FILTERS.map((name) => [name, query[name] ?? ""]));
  const [{ apis }, scenario, coverage] = await Promise.all([get("apis"), get(of(sandbox, "/scenario")), get(of(sandbox, "/coverage"))]);
  const list = table();
  const count = h("p", { class: "quiet", role: "status" });
  const more = h("p", { class: "more" });
  let total = 0, loading = 0;
  const kept = new Set(); // the numbers of the rows
  const arrived = []; // the last entries that came by themselves: a page that is on its way may not have them

  function row(entry) {
    const href = link("exchanges", [entry.number], filter);
    const line = h("tr", { role: "row", class: entry.defect ? "defect" : null, "data-number": entry.number },
      h("td", { role: "cell", class: "number" }, h("a", { href }, `#${entry.number}`)),
      h("td", { role: "cell", class: "time" }, h("time", { datetime: entry.iso }, timeOfDay(entry.at, false))),
      h("td", { role: "cell", class: "status" }, statusTag(entry)),
      h("td", { role: "cell", class: "what" }, h("span", { class: "op" }, entry.operation || "no operation"),
        h("span", { class: "quiet path" }, `${entry.method} ${entry.path}${entry.query ? `?${entry.query}` : ""}`)),
      h("td", { role: "cell", class: "why" }, h("div", {}, whyOf(entry))),
      h("td", { role: "cell", class: "took" }, duration(entry.duration_ms / 1000)));
    line.addEventListener("click", (event) => {
      if (!event.target.closest("a") && !String(getSelection())) location.hash = line.querySelector("a").hash;
    });
    return line;
  }

  function tell() {
    const rows = kept.size;
    count.textContent = total > rows ? `The newest ${rows} of ${total.toLocaleString("en")} exchanges`
      : `${rows} exchange${rows === 1 ? "" : "s"}`;
    const isFiltered = FILTERS.some((name) => filter[name]);
    more.replaceChildren(
      total > rows && rows < MOST ? button("Show more", older)
        : rows ? "" : h("span", { class: "quiet" }, isFiltered ? "No exchange matches this filter."
          : "No client has sent a request to this sandbox yet. New exchanges appear here as they come."));
  }

  // Rows stand in groups, and a group is drawn only where it is seen.
  function below(entries) {
    for (const entry of entries) {
      kept.add(entry.number);
      const last = list.tBodies[list.tBodies.length - 1];
      const group = last && last.rows.length < GROUP ? last : list.appendChild(rowgroup());
      group.append(row(entry));
    }
  }

  function above(entry) {
    kept.add(entry.number);
    const [first] = list.tBodies;
    const group = first && first.rows.length < GROUP ? first : list.insertBefore(rowgroup(), first ?? null);
    const line = row(entry);
    line.classList.add("new");
    group.prepend(line);
  }

  function oldest() {
    return list.rows[list.rows.length - 1];
  }

  function asked(limit, place) {
    const wanted = Object.entries(filter).filter(([, value]) => value);
    return new URLSearchParams([...wanted, ["limit", limit], ...Object.entries(place ?? {})]);
  }

  async function load() {
    const mine = ++loading;
    try {
      const page = await get(of(sandbox, `/journal?${asked(STEP)}`));
      if (mine !== loading) return;
      failed(null);
      total = page.total;
      const newest = page.entries.at(-1)?.number ?? 0;
      const since = [...arrived].filter((entry) => entry.number > newest && matches(entry, filter));
      arrived.length = 0;
      kept.clear();
      const all = [...page.entries, ...since];
      total += since.length;
      for (const group of [...list.tBodies]) group.remove();
      below(all.reverse());
      tell();
    } catch (error) {
      if (mine === loading) failed(error);
    }
  }

  // The next rows below, a few at a time, so that the page goes on moving.
  async function older() {
    const mine = ++loading;
    more.replaceChildren(h("span", { class: "quiet" }, "Loading…"));
    try {
      const page = await get(of(sandbox, `/journal?${asked(OLDER, { before: oldest().dataset.number })}`));
      const lines = page.entries.reverse();
      if (!lines.length) total = kept.size; // the journal has dropped them meanwhile
      while (lines.length && mine === loading) {
        below(lines.splice(0, GROUP));
        await new Promise(requestAnimationFrame);
      }
      if (mine === loading) tell();
    } catch (error) {
      if (mine === loading) { failed(error); tell(); }
    }
  }

  const stop = onEntry((entry) => {
    arrived.push(entry);
    if (arrived.length > STEP) arrived.shift();
    if (kept.has(entry.number) || !matches(entry, filter)) return;
    above(entry);
    total += 1;
    if (kept.size > MOST) {
      kept.delete(Number(oldest().dataset.number));
      oldest().remove();
    }
    tell();
  });

  let timer = 0;
  function changed(event) {
    const { name, value } = event.target;
    if (name === "status" && value && !/^[0-5]?\d{1,2}$/.test(value)) return;
    filter[name] = value.trim();
    note(filter);
    // Until they are loaded anew, the rows that are there lead to where one comes back with this filter.
    for (const line of list.querySelectorAll("tbody tr")) line.querySelector("a").href = link("exchanges", [line.dataset.number], filter);
    clearTimeout(timer);
    timer = setTimeout(load, event.type === "input" ? 250 : 0);
  }

  const operations = [...new Set(apis.flatMap((api) => api.operations.map((operation) => operation.id)))];
  const names = apis.map((api) => api.name);
  box.append(h("h1", {}, "Exchanges"), folded(h("form", { class: "filters", role: "search", oninput: changed, onsubmit: (event) => event.preventDefault() },
    names.length > 1 || filter.api ? select("api", "API", names, filter.api) : null,
    select("operation", "Operation", operations, filter.operation),
    field("status", "Status", filter.status, { inputmode: "numeric", maxlength: 3, placeholder: "any" }),
    select("side", "Violation by", ["client", "server", "upstream", "declared"], filter.side),
    select("rule", "Rule", scenario.rules.map((rule) => rule.id), filter.rule),
    select("fault", "Fault", ["none", ...faultsOf(coverage.cells)], filter.fault),
    field("text", "Text", filter.text, { type: "search", maxlength: 200, placeholder: "in paths, headers, bodies" })), FILTERS.some((name) => filter[name])),
    count, list, more);
  await load();
  return () => { stop(); clearTimeout(timer); };
}

// The roles are said, as the rows are no part of a table's layout: that takes longer than a frame with thousands of them.
function table() {
  const columns = { number: "No.", time: "Time", status: "Status", what: "Operation", why: "Why", took: "Took" };
  return h("table", { role: "table", class: "exchanges" }, h("caption", { class: "hidden" }, "Exchanges, newest first"),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, Object.entries(columns).map(([name, title]) =>
      h("th", { role: "columnheader", scope: "col", class: name }, title)))));
}

function rowgroup() {
  return h("tbody", { role: "rowgroup" });
}

// The filters; on a phone they are folded until one is set or they are asked for.
function folded(form, isUsed) {
  const isPhone = matchMedia(PHONE);
  const fold = h("details", { class: "fold", open: isUsed || !isPhone.matches }, h("summary", {}, "Filter"), form);
  isPhone.addEventListener("change", () => { if (!isPhone.matches) fold.open = true; });
  return fold;
}

function select(name, label, options, value) {
  const all = options.includes(value) || !value ? options : [...options, value];
  return h("label", {}, label, h("select", { name }, h("option", { value: "" }, "any"),
    all.map((option) => h("option", { value: option, selected: option === value }, option))));
}

function field(name, label, value, props) {
  return h("label", { class: name }, label, h("input", { name, value, autocomplete: "off", ...props }));
}

// Whether a new entry is one that the filter asks for; the admin API does the same for those that it has.
function matches(entry, filter) {
  return (!filter.api || entry.api === filter.api)
    && (!filter.operation || entry.operation === filter.operation)
    && (!filter.status || entry.status === Number(filter.status))
    && (!filter.rule || entry.rule === filter.rule)
    && (!filter.fault || (entry.faults.length ? entry.faults.includes(filter.fault) : filter.fault === "none"))
    && (!filter.side || entry.violations.some((violation) => violation.side === filter.side))
    && (!filter.text || JSON.stringify(entry).toLowerCase().includes(filter.text.toLowerCase()));
}

export function statusTag(entry) {
  if (!entry.status || entry.lost) return h("span", { class: "tag s0" }, entry.lost || "lost");
  return h("span", { class: `tag s${Math.floor(entry.status / 100)}` }, String(entry.status));
}

// Who made a violation of a side: what the proxy passed on is the real API's, and no fault of this server.
export function byOf(side) {
  return side === "upstream" ? "the real API" : side;
}

// What marks an exchange: a defect, the rule that acted, whose violations it has, which attempt it is.
export function tagsOf(entry) {
  const parts = [];
  if (entry.defect) parts.push(h("span", { class: "tag server" }, "defect"), " ");
  if (entry.stage === "webhook") parts.push(h("span", { class: "tag" }, "webhook"), " ");
  if (entry.rule) parts.push(h("span", { class: "tag rule" }, `rule ${entry.rule}`), " ");
  for (const side of new Set(entry.violations.map((violation) => violation.side))) {
    parts.push(h("span", { class: `tag ${side}` }, side === "declared" ? "violation declared" : `violation by ${byOf(side)}`), " ");
  }
  if (entry.retry_of) parts.push(h("span", { class: "tag" }, `attempt ${entry.attempt}`), " ");
  return parts;
}

// Why an exchange ended as it did, in a line. What went well needs no reason.
export function whyOf(entry) {
  const tells = entry.status >= 400 || entry.lost || entry.defect || entry.rule || entry.stage === "webhook";
  return [...tagsOf(entry), tells ? entry.why[0] : ""];
}
