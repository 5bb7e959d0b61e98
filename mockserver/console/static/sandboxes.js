// The panel of sandboxes: find, make, open, reset and delete them.

import { get, of, put } from "./admin.js";
import { agreed, button, h, redraw, say, table } from "./dom.js";

const STEP = 50; // rows that a page shows at first; a search finds the others
const PAUSE = 150; // milliseconds without a key after which a search is made

export async function show({ sandbox, query, box, link, note, failed }) {
  let limit = STEP, loading = 0, timer = 0;
  const place = h("div");
  const search = h("input", { type: "search", name: "q", value: query.q ?? "", maxlength: 200, placeholder: "name or scenario", oninput: () => {
    note({ q: search.value });
    limit = STEP;
    clearTimeout(timer);
    timer = setTimeout(load, PAUSE);
  } });

  async function load() {
    const mine = ++loading;
    try {
      const page = await get(`sandboxes?${new URLSearchParams({ text: search.value.trim(), limit })}`);
      if (mine === loading) draw(page);
    } catch (error) {
      if (mine === loading) failed(error);
    }
  }

  async function act(work, words) {
    try {
      await work();
      failed(null);
      say(words);
      await load();
    } catch (error) { failed(error); }
  }

  function draw({ sandboxes: some, total }) {
    redraw(place,
      h("p", { class: "quiet", role: "status" }, some.length < total ? `${some.length} of ${total.toLocaleString("en")} sandboxes; search for the others`
        : `${total} sandbox${total === 1 ? "" : "es"}`),
      table("Sandboxes", ["Name", "Scenario", { title: "Requests", class: "right" }, { title: "Invalid", class: "right" }, { title: "Defects", class: "right" }, { title: "Credits", class: "right" }, "Clock", ""],
        some.map((one) => [
          [h("a", { href: `#/${encodeURIComponent(one.name)}/exchanges`, "aria-current": one.name === sandbox ? "true" : null }, one.name), reach(one)],
          one.scenario ?? h("span", { class: "quiet" }, "none"), String(one.requests), String(one.invalid),
          one.defects ? h("span", { class: "tag server" }, String(one.defects)) : "0", one.credits.remaining.toLocaleString("en"),
          one.clock.mode === "frozen" ? "frozen" : `× ${one.clock.rate}`,
          h("span", { class: "buttons" },
            button("Reset", async () => {
              if (await agreed(`Put ${one.name} back to its start? Its state and its journal go.`, "Reset")) {
                act(() => put("POST", of(one.name, "/reset")), `${one.name} begins anew.`);
              }
            }, { "aria-label": `Reset ${one.name}` }),
            one.name === "default" ? null : button("Delete", async () => {
              if (await agreed(`Delete ${one.name} with everything in it?`, "Delete")) {
                await act(() => put("DELETE", of(one.name)), `${one.name} is deleted.`);
                if (one.name === sandbox) location.hash = link("sandboxes").replace(encodeURIComponent(sandbox), "default");
              }
            }, { "aria-label": `Delete ${one.name}`, class: "danger" }))])),
      some.length < total ? h("p", { class: "more" }, button("Show more", () => { limit *= 4; load(); })) : "");
  }

  const { scenarios } = await get("scenarios");
  const name = h("input", { name: "name", pattern: "[a-z0-9][a-z0-9._\\-]{0,62}", placeholder: "made up", title: "Small letters, digits, and . _ - after the first" });
  const scenario = h("select", { name: "scenario" }, h("option", { value: "" }, "none"), scenarios.map((one) => h("option", { value: one.name }, one.name)));
  const credits = h("input", { name: "credits", type: "number", min: 0, step: "any", placeholder: "as usual" });
  box.append(h("h1", {}, "Sandboxes"),
    h("form", { class: "filters", onsubmit: (event) => {
      event.preventDefault();
      const body = {};
      if (name.value) body.name = name.value;
      if (scenario.value) body.scenario = scenario.value;
      if (credits.value) body.credits = Number(credits.value);
      act(async () => { const made = await put("POST", "sandboxes", body); name.value = ""; search.value = made.name; note({ q: made.name }); }, "The sandbox is made.");
    } }, h("label", {}, "Name", name), h("label", {}, "Scenario", scenario), h("label", {}, "Credits", credits), h("button", { class: "primary" }, "Make a sandbox")),
    h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() }, h("label", { class: "text" }, "Search", search)), place);
  await load();
  return () => clearTimeout(timer);
}

// What to give a client that is to work in a sandbox.
function reach(one) {
  return h("details", {}, h("summary", {}, "How to reach it"),
    one.api_key ? h("p", {}, "Key ", h("code", {}, one.api_key)) : null,
    Object.entries(one.base_urls).map(([name, url]) => h("p", {}, `${name} at `, h("code", {}, url))));
}
