// Where in a YAML text a caret stands: the path of the value or of the mapping, and the word that is being written there.
// Reads block and flow style as far as scenarios use them, and never fails: a text that is being written is rarely whole.
// Must not know: schemas, or pages.

// {path, role, from, to, isFlow, column, siblings}: `role` is "key" in a mapping, "value" behind a key or in a list, or
// "none" in comments and block texts; `path` leads to the mapping or to the value; from..to is the word.
export function placeAt(text, caret) {
  const reader = new Reader(text, caret);
  reader.read();
  const { found } = reader;
  if (!found) return { path: [], role: "none", from: caret, to: caret, isFlow: false, column: 0, siblings: new Set() };
  const siblings = new Set(reader.keys.get(JSON.stringify(found.path)) ?? []);
  siblings.delete(text.slice(found.from, found.to));
  return { ...found, siblings, hasColon: /^[ ]*:/.test(text.slice(found.to)) };
}

const KEY = /^("(?:[^"\\]|\\.)*"|'[^']*'|[^\s#"'{}[\],:&*!|>%@`-][^#:]*?|-[^\s#:][^#:]*?)\s*:(?=\s|$)/;

class Reader {
  constructor(text, caret) {
    this.text = text;
    this.caret = caret;
    this.found = null;
    this.keys = new Map(); // the keys of each mapping, by its path as JSON
    this.stack = []; // open mappings and lists: {column, path, isList, next}
    this.open = { path: [], column: -1 }; // what the next lines that stand further in are the value of
    this.scalar = -1; // the column that a block text stands further in than
  }

  read() {
    let at = 0;
    while (at <= this.text.length) {
      const next = this.text.indexOf("\n", at);
      const end = next < 0 ? this.text.length : next;
      at = Math.max(this.line(at, end), end) + 1;
    }
  }

  isHere(from, to) {
    return !this.found && this.caret >= from && this.caret <= to;
  }

  // Reads a line, and gives where reading ended: further down when a flow collection goes on there.
  line(start, end) {
    const line = this.text.slice(start, end);
    let column = line.search(/\S|$/);
    const isBlank = column === line.length;
    if (this.scalar >= 0) {
      if (isBlank || column > this.scalar) return end;
      this.scalar = -1;
    }
    if (line.startsWith("---")) {
      this.stack = [];
      this.open = { path: [], column: -1 };
      return end;
    }
    if (line[column] === "#") return end;
    if (isBlank) {
      if (this.isHere(start, end)) this.take(this.caret - start, this.caret, this.caret);
      return end;
    }
    while (/^-(\s|$)/.test(line.slice(column))) {
      this.item(column);
      const gap = line.slice(column + 1).search(/\S|$/) + 1;
      if (column + gap >= line.length) {
        if (this.isHere(start + column + 1, end)) this.take(this.caret - start, this.caret, this.caret, true);
        return end;
      }
      column += gap;
    }
    return this.content(start, end, column);
  }

  // A list item whose dash stands at a column.
  item(column) {
    while (this.stack.length && (this.top.column > column || (this.top.column === column && !this.top.isList && !this.open))) this.stack.pop();
    if (!(this.stack.length && this.top.column === column && this.top.isList)) {
      this.stack.push({ column, path: this.open?.path ?? [], isList: true, next: 0 });
    }
    this.open = { path: [...this.top.path, this.top.next], column };
    this.top.next += 1;
  }

  get top() {
    return this.stack.at(-1);
  }

  // The mapping that a key at a column belongs to.
  mapping(column) {
    while (this.stack.length && (this.top.column > column || (this.top.column === column && this.top.isList))) this.stack.pop();
    if (!this.stack.length || this.top.column < column) this.stack.push({ column, path: this.open?.path ?? this.top?.path ?? [], isList: false });
    return this.top;
  }

  content(start, end, column) {
    const rest = this.text.slice(start + column, end), from = start + column;
    if (/^[{[]/.test(rest)) return this.flow(from, this.open?.path ?? [], this.stack.at(-1)?.column ?? -1);
    const key = rest.match(KEY);
    if (!key) {
      const word = wordEnd(rest, / #/);
      if (this.isHere(from, from + word)) this.take(column, from, from + word);
      return end;
    }
    const { path } = this.mapping(column), name = key[1].replace(/^["']|["']$/g, "");
    this.note(path, name);
    if (this.isHere(from, from + key[1].length)) this.find(path, "key", from, from + key[1].length, column);
    const valueAt = from + key[0].length, own = [...path, name];
    const value = this.text.slice(valueAt, end), gap = value.search(/\S|$/), first = value[gap];
    this.open = null;
    if (/^[{[]$/.test(first ?? "")) return this.flow(valueAt + gap, own, column);
    if (/^[|>]$/.test(first ?? "")) this.scalar = column;
    else if (first === undefined || first === "#") this.open = { path: own, column };
    const word = first === "#" ? 0 : wordEnd(value.slice(gap), / #/);
    if (this.scalar < 0 && this.isHere(valueAt, valueAt + gap + word)) {
      this.find(own, "value", first === undefined || first === "#" ? this.caret : Math.min(valueAt + gap, this.caret), valueAt + gap + word, column);
      if (first === undefined || first === "#") this.found.to = this.caret;
    }
    return end;
  }

  // A word, or none, where a key or an item may stand. Nothing is opened by looking.
  take(column, from, to, isItem = false) {
    const kept = this.stack.slice(), open = this.open;
    const list = this.stack.find((one) => one.isList && one.column === column);
    const stands = isItem || (open && column > open.column) ? open.path
      : list && !this.stack.some((one) => !one.isList && one.column === column) ? list.path : this.mapping(column).path;
    this.stack = kept;
    this.find(stands, "key", from, to, column);
  }

  find(path, role, from, to, column, isFlow = false) {
    this.found ??= { path, role, from, to, column, isFlow };
  }

  note(path, name) {
    const id = JSON.stringify(path);
    if (!this.keys.has(id)) this.keys.set(id, []);
    this.keys.get(id).push(name);
  }

  // Reads `{…}` or `[…]` from its first character, until it is closed or a line does not stand further in than `column`.
  flow(from, path, column) {
    const open = [];
    let word = from, at = from, quote = "";
    const role = () => (open.at(-1).isList || open.at(-1).key !== null ? "value" : "key");
    const here = () => (role() === "key" ? open.at(-1).path : [...open.at(-1).path, open.at(-1).isList ? open.at(-1).next : open.at(-1).key]);
    const see = (end) => {
      while (word < end && /\s/.test(this.text[word])) word += 1;
      if (open.length && this.caret > from && this.caret <= end && !this.found) {
        const start = Math.min(word, this.caret);
        this.find(here(), role(), start, Math.max(this.caret, start + this.text.slice(start, end).trimEnd().length), column, true);
      }
    };
    for (; at < this.text.length; at += 1) {
      const char = this.text[at];
      if (char === "\n" && (/^\n *(?:- |[\w-]+:)/.test(this.text.slice(at)) && this.text.slice(at + 1).search(/[^ ]|$/) <= column)) break;
      if (quote) {
        if (char === "\\" && quote === '"') at += 1;
        else if (char === quote) quote = "";
      } else if ((char === '"' || char === "'") && this.text.slice(word, at).trim() === "") quote = char;
      else if (char === "{" || char === "[") {
        const inner = open.length ? here() : path;
        if (open.length) see(at);
        open.push({ isList: char === "[", path: inner, key: null, next: 0 });
        word = at + 1;
      } else if (char === ":" && open.at(-1) && !open.at(-1).isList && open.at(-1).key === null && /[\s,}\]]|^$/.test(this.text[at + 1] ?? "")) {
        see(at);
        open.at(-1).key = this.text.slice(word, at).trim().replace(/^["']|["']$/g, "");
        this.note(open.at(-1).path, open.at(-1).key);
        word = at + 1;
      } else if (char === "," || char === "}" || char === "]") {
        see(at);
        if (char === ",") {
          open.at(-1).key = null;
          open.at(-1).next += 1;
        } else open.pop();
        word = at + 1;
        if (!open.length) return at + 1;
      }
    }
    see(at);
    return at;
  }
}

// Where the first word of a text ends that a comment may follow.
function wordEnd(text, comment) {
  const end = text.search(comment);
  return (end < 0 ? text : text.slice(0, end)).trimEnd().length;
}
