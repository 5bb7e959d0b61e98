// A list of completions at the caret of a text area: opened by typing or Ctrl+Space, moved in by arrows, taken by Enter or
// Tab, closed by Escape. The text area keeps the focus. Must not know: what is completed, or the admin API.

import { h } from "./dom.js";

const MOST = 60; // completions that the list has
const HIGHEST = 200; // pixels

// `suggest` gives the completions for a text and a caret: {from, to, items}, each item {label, text, caret, detail}.
// Gives the elements that belong beside the text area.
export function withSuggestions(area, suggest) {
  // It can have the focus because it scrolls; a click in it leaves the focus where it is.
  const list = h("ul", { id: "suggestions", role: "listbox", "aria-label": "Completions", class: "suggestions", hidden: true, tabindex: 0,
    onmousedown: (event) => event.preventDefault() });
  const count = h("p", { role: "status", class: "hidden" });
  let found = null, chosen = 0;
  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-controls", "suggestions");

  function close() {
    found = null;
    list.hidden = true;
    list.replaceChildren();
    count.textContent = "";
    area.removeAttribute("aria-activedescendant");
  }

  function open(isAsked) {
    if (area.selectionStart !== area.selectionEnd) return close();
    const next = suggest(area.value, area.selectionStart);
    const typed = area.value.slice(next.from, area.selectionStart);
    const isWritten = next.items.length === 1 && next.items[0].text.trimEnd() === typed;
    if (!next.items.length || (!isAsked && isWritten)) return close();
    found = { ...next, items: next.items.slice(0, MOST) };
    list.replaceChildren(...found.items.map((item, index) => h("li", { role: "option", id: `suggestion-${index}`, "aria-selected": "false",
      onclick: () => take(index) },
    h("span", { class: "label" }, item.label), item.detail ? h("span", { class: "detail" }, ` ${item.detail}`) : null)));
    count.textContent = `${found.items.length} completion${found.items.length === 1 ? "" : "s"}`;
    list.hidden = false;
    stand();
    choose(0);
  }

  function choose(index) {
    list.children[chosen]?.setAttribute("aria-selected", "false");
    chosen = (index + found.items.length) % found.items.length;
    list.children[chosen].setAttribute("aria-selected", "true");
    list.children[chosen].scrollIntoView({ block: "nearest" });
    area.setAttribute("aria-activedescendant", `suggestion-${chosen}`);
  }

  function take(index) {
    const { from, to, items } = found;
    area.focus();
    replaceText(area, from, Math.max(to, area.selectionStart), items[index].text);
    area.setSelectionRange(from + items[index].caret, from + items[index].caret);
    close();
    if (/[ \n]$|\{.*: \}$/.test(items[index].text)) open(true); // a key: what may its value be?
  }

  // Puts the list below the line of the caret, or above where there is more room, and nowhere over what is beside the text.
  // Lines do not wrap, and all characters are as wide as a digit.
  function stand() {
    const style = getComputedStyle(area), before = area.value.slice(0, area.selectionStart).split("\n");
    const ruler = h("span", { class: "ruler" }, "0".repeat(50));
    area.parentNode.append(ruler);
    const wide = ruler.getBoundingClientRect().width / 50, high = parseFloat(style.lineHeight);
    ruler.remove();
    const line = Math.min(parseFloat(style.paddingTop) + (before.length - 1) * high - area.scrollTop, area.offsetHeight - high);
    const above = line - 2, below = area.offsetHeight - line - high - 4;
    const isBelow = below >= Math.min(above, list.scrollHeight);
    list.style.maxHeight = `${Math.min(HIGHEST, isBelow ? below : above)}px`;
    list.style.top = `${area.offsetTop + (isBelow ? line + high + 2 : line - 2 - list.offsetHeight)}px`;
    const left = area.offsetLeft + parseFloat(style.paddingLeft) + before.at(-1).length * wide - area.scrollLeft;
    const most = Math.max(0, area.offsetLeft + area.offsetWidth - list.offsetWidth);
    list.style.left = `${Math.min(Math.max(left, area.offsetLeft), most)}px`;
  }

  area.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === " ") { event.preventDefault(); open(true); return; }
    if (!found || event.isComposing) return;
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    if (event.key in moves) { event.preventDefault(); choose(chosen + moves[event.key]); }
    else if (event.key === "Enter" || (event.key === "Tab" && !event.shiftKey)) { event.preventDefault(); take(chosen); }
    else if (event.key === "Escape") { event.preventDefault(); close(); }
    else if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) close();
  });
  area.addEventListener("input", (event) => {
    const isWord = event.inputType === "insertText" && /[\w.*]/.test(event.data ?? "");
    if (isWord || (found && event.inputType?.startsWith("delete"))) open(false);
    else if (!replaceText.isAtWork) close();
  });
  area.addEventListener("blur", close);
  area.addEventListener("scroll", () => { if (found) stand(); });
  return [list, count];
}

// Puts a text in the place of another one so that the browser's own undo takes it back.
export function replaceText(area, from, to, text) {
  area.focus();
  area.setSelectionRange(from, to);
  replaceText.isAtWork = true;
  const isDone = text ? document.execCommand("insertText", false, text) : document.execCommand("delete");
  if (!isDone && from !== to + text.length) {
    area.setRangeText(text, from, to, "end");
    area.dispatchEvent(new InputEvent("input"));
  }
  replaceText.isAtWork = false;
}
