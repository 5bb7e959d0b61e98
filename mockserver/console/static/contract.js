// The panel of the contract: operations with what was received of them, what was concluded of the document and why,
// what our overlays add to it, coverage as a matrix, and each operation with its schemas and a form to try it.

import { get, of } from "./admin.js";
import { matrix } from "./coverage.js";
import { h, table } from "./dom.js";
import { listing, placeOf } from "./excerpts.js";
import { schemaTree } from "./schema.js";
import { tryIt } from "./tryit.js";

export async function show({ sandbox, rest: [name, operation], query, box, link, note, failed }) {
  const [{ apis }, coverage] = await Promise.all([get("apis"), get(of(sandbox, "/coverage"))]);
  const api = apis.find((one) => one.name === name) ?? apis[0];
  const seen = new Map(coverage.operations.filter((one) => one.api === api.name).map((one) => [one.operation, one]));
  const cells = coverage.cells.filter((cell) => cell.api === api.name);
  const known = api.operations.find((one) => one.id === operation);
  box.append(h("h1", {}, "Contract"), apis.length > 1 ? h("nav", { class: "tabs", "aria-label": "APIs" }, apis.map((one) =>
    h("a", { href: link("contract", [one.name]), "aria-current": one === api ? "page" : null }, one.name))) : null);
  if (!known) {
    box.append(...overview(api, seen, cells, query, link, note));
    return;
  }
  const asked = new URLSearchParams({ operation: known.id });
  const [view, form] = await Promise.all([
    get(`apis/${encodeURIComponent(api.name)}/operation?${asked}`), tryIt(sandbox, api, known, link, failed)]);
  box.append(...details(api, view, seen.get(known.id), cells, form, link));
}

function answeredBy(api, id) {
  const resource = api.resources.find((one) => one.conclusions.some((conclusion) => [conclusion.value].flat().includes(id)));
  if (resource) return `rows of ${resource.name}`;
  return api.sampled.includes(id) ? "samples" : "a behaviour";
}

// The address of the API's endpoint pages: `__docs` behind its name.
function pagesOf(api) {
  const url = new URL(api.base_url), parts = url.pathname.split("/");
  url.pathname = [...parts.slice(0, parts.indexOf(api.name) + 1), "__docs", ""].join("/");
  return url.href;
}

function overview(api, seen, cells, query, link, note) {
  const place = h("div");
  function draw(text) {
    const some = api.operations.filter((one) => `${one.id} ${one.method} ${one.path}`.toLowerCase().includes(text.toLowerCase()));
    place.replaceChildren(h("h2", {}, "Operations"), table("Operations", ["Operation", "Method and path", "Answered by", { title: "Calls", class: "right" }], some.map((one) => [
      h("a", { href: link("contract", [api.name, one.id]) }, one.id), h("code", {}, `${one.method} ${one.path}`), answeredBy(api, one.id),
      String(seen.get(one.id)?.calls ?? 0)])), h("h2", {}, "Coverage"),
      h("p", {}, "How often each declared status was received, without a fault and under each fault that a rule did. Each leads to its exchanges."), matrix(some.map((one) => seen.get(one.id)).filter(Boolean), cells, link));
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
    api.additions.length ? h("details", { class: "idle" }, h("summary", {}, `What the overlay adds: ${api.additions.length} things`), additions(api.additions)) : null,
  ].flat().filter(Boolean);
}

function conclusions(resource) {
  return table(`Conclusions about ${resource.name}`, ["What", "Value", "Why"], resource.conclusions.map((one) =>
    [h("code", {}, one.key), h("code", {}, typeof one.value === "string" ? one.value : JSON.stringify(one.value)), one.reason]));
}

function additions(list) {
  return table("Additions", ["Where", "Provenance", "What"], list.map((one) => [h("code", {}, one.pointer), h("span", { class: `tag ${one.provenance}` }, one.provenance), one.note]));
}

function details(api, view, seen, cells, form, link) {
  const resource = api.resources.find((one) => one.conclusions.some((conclusion) => [conclusion.value].flat().includes(view.id)));
  return [
    h("p", {}, h("a", { href: link("contract", [api.name]) }, `‹ ${api.name}`)),
    h("h2", {}, view.id), h("p", {}, h("code", {}, `${view.method} ${view.path}`), ` is answered by ${answeredBy(api, view.id)}. `,
      view.deprecated ? h("span", { class: "tag assumed" }, "deprecated") : null, " ",
      h("a", { href: link("exchanges", [], { api: api.name, operation: view.id }) }, `${seen?.calls ?? 0} exchanges`)),
    view.summary ? h("p", {}, view.summary) : null, view.description ? h("p", { class: "quiet" }, view.description) : null,
    h("details", { class: "idle" }, h("summary", {}, "It stands at ", h("code", {}, placeOf(view.place))), listing(view.place.lines, view.place.line, `The operation at ${placeOf(view.place)}`)),
    form,
    h("h3", {}, "Request"),
    view.parameters.length ? parameters(view) : null,
    view.request ? contents(view.request.content, view.schemas, view.request.required ? "The body is required." : "The body may be left out.") : null,
    view.parameters.length || view.request ? null : h("p", { class: "quiet" }, "It takes neither parameters nor a body."),
    h("h3", {}, "Responses"), view.responses.toSorted((one, other) => (one.status < other.status ? -1 : 1)).map((response) => answer(response, api, view, link)),
    h("h3", {}, "Coverage"), seen ? matrix([seen], cells, link) : null,
    resource ? [h("h3", {}, `What was concluded of ${resource.name}`), conclusions(resource)] : [],
    view.additions.length ? [h("h3", {}, "What the overlay adds"), additions(view.additions)] : [],
  ].flat(Infinity).filter(Boolean);
}

function parameters(view) {
  return table("Parameters", ["Name", "In", "Schema", "What it is"], view.parameters.map((one) => [
    h("span", {}, h("code", {}, one.name), one.required ? h("span", { class: "tag" }, "required") : null), one.in,
    schemaTree(one.schema, view.schemas, `Schema of ${one.name}`), one.description]));
}

function contents(list, schemas, about) {
  return h("div", {}, h("p", {}, about), list.map((one) => h("div", { class: "card" }, h("code", {}, one.media_type), schemaTree(one.schema, schemas, `Schema of ${one.media_type}`))));
}

function answer(response, api, view, link) {
  const isStatus = /^\d+$/.test(response.status);
  const tag = { class: `tag s${response.status[0]}` };
  return h("details", { class: "answer" }, h("summary", {}, h("span", tag, response.status), " ", response.description),
    isStatus ? h("p", {}, h("a", { href: link("exchanges", [], { api: api.name, operation: view.id, status: response.status }) }, `Exchanges with ${response.status}`)) : null,
    response.headers.length ? table(`Headers of ${response.status}`, ["Header", "Schema", "What it is"], response.headers.map((one) =>
      [h("code", {}, one.name), schemaTree(one.schema, view.schemas, `Schema of ${one.name}`), one.description])) : null,
    response.content.length ? contents(response.content, view.schemas, "The body:") : h("p", { class: "quiet" }, "It has no body."));
}
