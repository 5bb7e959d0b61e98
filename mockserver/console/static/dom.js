// Makes elements. Everything that a server sent goes through here and becomes text nodes and attributes, never markup.
// Must not know: the admin API.

const SVG = "http://www.w3.org/2000/svg";

function filled(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

// An element: h("p", {class: "note"}, "text", child). Props that begin with "on" are listeners.
export function h(tag, props, ...children) {
  return filled(document.createElement(tag), props, children);
}

// The same for SVG.
export function s(tag, props, ...children) {
  return filled(document.createElementNS(SVG, tag), props, children);
}

// A table in a frame that scrolls sideways by itself. A column is a title, or {title, class}; a row a list of cells.
// On a phone each row is a block with the titles inside, so the roles are said: CSS would take them away.
export function table(caption, columns, rows) {
  const named = columns.map((column) => (typeof column === "string" ? { title: column } : column));
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h("table", { role: "table" },
      h("caption", { class: "hidden" }, caption),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" },
        named.map((column) => h("th", { role: "columnheader", scope: "col", class: column.class }, column.title)))),
      h("tbody", { role: "rowgroup" }, rows.map((cells) => h("tr", { role: "row" },
        cells.map((cell, index) => h("td", { role: "cell", class: named[index].class, "data-title": named[index].title }, cell)))))));
}

// Puts something else into a place; what had the focus there has it again when its like is still there.
export function redraw(place, ...children) {
  const held = place.contains(document.activeElement) && document.activeElement !== place ? likeness(document.activeElement) : null;
  place.replaceChildren(...children.flat(Infinity));
  if (held) [...place.querySelectorAll(held.tag)].find((node) => likeness(node).name === held.name)?.focus({ preventScroll: true });
}

// What tells an element from the others of its kind, also after it was drawn again.
function likeness(node) {
  const name = node.getAttribute("href") ?? node.getAttribute("aria-label") ?? node.getAttribute("name") ?? node.closest("label")?.textContent ?? node.textContent;
  return { tag: node.tagName.toLowerCase(), name };
}

// Pairs of a name and a value.
export function facts(pairs) {
  return h("dl", { class: "facts" },
    pairs.filter(([, value]) => value !== null && value !== "").map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

// A large value with its name below.
export function figure(name, value) {
  return h("span", {}, h("strong", {}, value), h("span", { class: "quiet" }, name));
}

export function button(label, onclick, props) {
  return h("button", { type: "button", onclick, ...props }, label);
}

// A line that a screen reader reads out, and that shows for a moment.
export function say(text) {
  const line = document.getElementById("said");
  line.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { line.textContent = ""; }, 6000);
}

export function copyButton(label, text) {
  return button(label, async () => {
    let content = "";
    try {
      content = await text();
    } catch (error) {
      say(error.message);
      return;
    }
    try {
      await navigator.clipboard.writeText(content);
      say(`Copied: ${label}.`);
    } catch {
      showText(label, content); // a page that is not on localhost or HTTPS has no clipboard
    }
  });
}

function showText(title, content) {
  const area = h("textarea", { readonly: true, rows: 12, "aria-label": title }, content);
  const dialog = h("dialog", { "aria-label": title }, h("h2", {}, title), area,
    h("p", { class: "buttons" }, button("Close", () => dialog.close())));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  area.select();
}

// Asks before something is lost; resolves to whether it was agreed to.
export function agreed(question, yes) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { "aria-label": question }, h("p", {}, question), h("p", { class: "buttons" },
      button("Cancel", () => dialog.close("")), button(yes, () => dialog.close("yes"), { class: "danger" })));
    dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes"); });
    document.body.append(dialog);
    dialog.showModal();
  });
}

// Seconds as people write them.
export function duration(seconds) {
  const away = Math.abs(seconds);
  if (away < 1) return `${Math.round(seconds * 1000)} ms`;
  if (away < 90) return `${Number(seconds.toFixed(1))} s`;
  if (away < 5400) return `${Number((seconds / 60).toFixed(1))} min`;
  return `${Number((seconds / 3600).toFixed(1))} h`;
}

// The time of day of epoch seconds, in UTC as the server writes it.
export function timeOfDay(at, millis = true) {
  const date = new Date(at * 1000);
  return Number.isNaN(date.getTime()) ? String(at) : date.toISOString().slice(11, millis ? 23 : 19);
}

// A function that calls another one soon, and once for all the calls that come until then. It never calls it while it
// is still at work: what it asked first might be answered last.
export function soon(work, milliseconds) {
  let timer = 0, isBusy = false, isWanted = false, isOver = false;
  async function run() {
    timer = 0;
    isWanted = isBusy;
    if (isBusy) return;
    isBusy = true;
    try { await work(); } finally { isBusy = false; }
    if (isWanted) call();
  }
  const call = () => { if (!isOver) timer ||= setTimeout(run, milliseconds); };
  call.stop = () => { clearTimeout(timer); isOver = true; };
  return call;
}
