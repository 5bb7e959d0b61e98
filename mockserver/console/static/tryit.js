// "Try it": a valid request of an operation, filled in by the server, edited here and sent into the sandbox.

import { get, of, put } from "./admin.js";
import { button, h, say } from "./dom.js";
import { statusTag } from "./exchanges.js";

// The form of an operation. `failed` shows an error.
export async function tryIt(sandbox, api, operation, link, failed) {
  const asked = new URLSearchParams({ api: api.name, operation: operation.id });
  const sample = await get(of(sandbox, `/sample?${asked}`)).catch((error) => ({ error }));
  const method = h("input", { name: "method", value: operation.method, required: true, pattern: "[A-Za-z]+", maxlength: 20, autocomplete: "off", spellcheck: "false" });
  const path = h("input", { name: "path", required: true, pattern: "/.*", maxlength: 8000, autocomplete: "off", spellcheck: "false" });
  const headers = h("textarea", { name: "headers", rows: 3, spellcheck: "false" });
  const body = h("textarea", { name: "body", rows: 6, spellcheck: "false" });
  const result = h("p", { class: "sent", role: "status" });

  function fill(request) {
    method.value = request.method;
    path.value = request.path;
    headers.value = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}`).join("\n");
    body.value = request.body ?? "";
    body.rows = Math.min(20, Math.max(4, body.value.split("\n").length + 1));
  }

  async function send(event) {
    event.preventDefault();
    failed(null);
    try {
      const told = await put("POST", of(sandbox, "/send"), {
        method: method.value, path: path.value, headers: headersOf(headers.value), body: body.value || null,
      });
      result.replaceChildren(statusTag(told), " ", told.number && told.sandbox === sandbox
        ? h("a", { href: link("exchanges", [told.number]) }, `Exchange #${told.number}`)
        : told.number ? `Exchange #${told.number} of sandbox ${told.sandbox}: its key is bound there.` : "The journal could not be written.");
      say(`Sent: ${told.status || told.lost}.`);
    } catch (error) {
      failed(error);
    }
  }

  if (sample.error) result.append(sample.error.message);
  else fill(sample);
  return h("section", { class: "try" }, h("h3", { id: "try" }, "Try it"),
    h("form", { onsubmit: send, "aria-labelledby": "try" },
      h("div", { class: "line" }, h("label", { class: "method" }, "Method", method), h("label", { class: "path" }, "Path and query", path)),
      h("label", {}, "Headers, one in a line", headers), h("label", {}, "Body", body),
      h("p", { class: "buttons" }, h("button", { class: "primary" }, "Send"), sample.error ? null : button("Fill in again", () => fill(sample)))), result);
}

// Headers by name; a line that is none is told by its number.
function headersOf(text) {
  const found = {};
  text.split("\n").forEach((line, index) => {
    if (!line.trim()) return;
    const at = line.indexOf(":");
    if (at < 1) throw new Error(`Line ${index + 1} of the headers is not "name: value".`);
    found[line.slice(0, at).trim().toLowerCase()] = line.slice(at + 1).trim();
  });
  return found;
}
