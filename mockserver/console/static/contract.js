// The panel of the contract: operations with what was received of them, what was concluded of the document and why,
// and what our overlays add to it.

import { get, of } from "./admin.js";
import { h, table } from "./dom.js";

export async function show({ sandbox, rest: [name, operation], query, box, link, note }) {
  const [{ apis }, coverage] = await Promise.all([get("apis"), get(of(sandbox, "/coverage"))]);
  const api = apis.find((one) => one.name === name) ?? apis[0];
  const seen = new Map(coverage.operations.filter((one) => one.api === api.name).map((one) => [one.operation, one]));
  const known = api.operations.find((one) => one.id === operation);
  box.append(h("h1", {}, "Contract"), apis.length > 1 ? h("nav", { class: "tabs", "aria-label": "APIs" }, apis.map((one) =>
    h("a", { href: link("contract", [one.name]), "aria-current": one === api ? "page" : null }, one.name))) : null);
  if (known) box.append(...details(api, known, seen.get(known.id), link));
  else box.append(...overview(api, seen, query, link, note));
}

function answeredBy(api, id) {
  const resource = api.resources.find((one) => one.conclusions.some((conclusion) => [conclusion.value].flat().includes(id)));
  if (resource) return `rows of ${resource.name}`;
  return api.sampled.includes(id) ? "samples" : "a behaviour";
}

function statuses(one, id, link) {
  if (!one) return "";
  return h("span", { class: "statuses" },
    Object.entries(one.statuses).map(([status, count]) => h("a", { class: `tag s${status[0]}`, href: link("exchanges", [], { operation: id, status }), title: `received ${count} times` }, `${status} × ${count}`)),
    one.unseen.map((status) => h("span", { class: "tag unseen", title: "declared, not received yet" }, status)));
}

// The address of the API's endpoint pages: `__docs` behind its name.
function pagesOf(api) {
  const url = new URL(api.base_url), parts = url.pathname.split("/");
  url.pathname = [...parts.slice(0, parts.indexOf(api.name) + 1), "__docs", ""].join("/");
  return url.href;
}

function overview(api, seen, query, link, note) {
  const place = h("div");
  function draw(text) {
    const some = api.operations.filter((one) => `${one.id} ${one.method} ${one.path}`.toLowerCase().includes(text.toLowerCase()));
    place.replaceChildren(table("Operations", ["Operation", "Method and path", "Answered by", { title: "Calls", class: "right" }, "Statuses"], some.map((one) => [
      h("a", { href: link("contract", [api.name, one.id]) }, one.id), h("code", {}, `${one.method} ${one.path}`), answeredBy(api, one.id),
      String(seen.get(one.id)?.calls ?? 0), statuses(seen.get(one.id), one.id, link)])));
  }
  draw(query.text ?? "");
  const all = [...seen.values()];
  const met = all.reduce((sum, one) => sum + Object.keys(one.statuses).length, 0), open = all.reduce((sum, one) => sum + one.unseen.length, 0);
  return [
    h("p", {}, h("strong", {}, api.title), ` ${api.version} at `, h("code", {}, api.base_url), " (", h("a", { href: pagesOf(api) }, "endpoint pages"), `). ${met} of ${met + open} declared statuses were received.`),
    h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() }, h("label", { class: "text" }, "Text", h("input", {
      type: "search", name: "text", value: query.text ?? "", oninput: (event) => { note({ text: event.target.value }); draw(event.target.value); } }))),
    place,
    api.resources.length ? h("h2", {}, "What was concluded of the document") : null,
    api.resources.map((resource) => h("section", {}, h("h3", {}, resource.name, " ", h("code", {}, resource.path)), conclusions(resource))),
    api.additions.length ? h("h2", {}, "What the overlay adds") : null,
    api.additions.length ? additions(api.additions) : null,
  ].flat().filter(Boolean);
}

function conclusions(resource) {
  return table(`Conclusions about ${resource.name}`, ["What", "Value", "Why"], resource.conclusions.map((one) =>
    [h("code", {}, one.key), h("code", {}, typeof one.value === "string" ? one.value : JSON.stringify(one.value)), one.reason]));
}

function additions(list) {
  return table("Additions", ["Where", "Provenance", "What"], list.map((one) => [h("code", {}, one.pointer), h("span", { class: `tag ${one.provenance}` }, one.provenance), one.note]));
}

function details(api, known, seen, link) {
  const pointer = `/paths/${known.path.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  const added = api.additions.filter((one) => one.pointer === pointer || one.pointer.startsWith(`${pointer}/`));
  const resource = api.resources.find((one) => one.conclusions.some((conclusion) => [conclusion.value].flat().includes(known.id)));
  return [
    h("p", {}, h("a", { href: link("contract", [api.name]) }, `‹ ${api.name}`)),
    h("h2", {}, known.id), h("p", {}, h("code", {}, `${known.method} ${known.path}`), ` is answered by ${answeredBy(api, known.id)}. `,
      h("a", { href: link("exchanges", [], { operation: known.id }) }, `${seen?.calls ?? 0} exchanges`)),
    h("h3", {}, "Declared statuses"), h("p", {}, statuses(seen, known.id, link)),
    resource ? [h("h3", {}, `What was concluded of ${resource.name}`), conclusions(resource)] : [],
    added.length ? [h("h3", {}, "What the overlay adds"), additions(added)] : [],
  ].flat();
}
