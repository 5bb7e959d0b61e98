// The frame of the console: the address says what is shown, one stream of events feeds every panel.
// An address is #/SANDBOX/PANEL/REST?FILTER; each part is percent-encoded.

import { follow, get, of } from "./admin.js";
import { h, redraw } from "./dom.js";
import { newsTo, steeredSentence } from "./news.js";
import * as clock from "./clock.js";
import * as contract from "./contract.js";
import * as credits from "./credits.js";
import * as exchange from "./exchange.js";
import * as exchanges from "./exchanges.js";
import * as health from "./health.js";
import * as limits from "./limits.js";
import * as sandboxes from "./sandboxes.js";
import * as scenario from "./scenario.js";
import * as state from "./state.js";
import * as webhooks from "./webhooks.js";

const PANELS = {
  exchanges: ["Exchanges", (context) => (context.rest.length ? exchange : exchanges).show(context)],
  limits: ["Limits", limits.show],
  credits: ["Credits", credits.show],
  scenario: ["Scenario", scenario.show],
  clock: ["Clock", clock.show],
  state: ["State", state.show],
  webhooks: ["Webhooks", webhooks.show],
  sandboxes: ["Sandboxes", sandboxes.show],
  contract: ["Contract", contract.show],
  health: ["Health", health.show],
};

const ON_CLOCK = ["clock", "limits", "state", "webhooks"]; // panels that look otherwise when the clock is moved

const MOST_CHOICES = 100; // sandboxes that the choice in the header has

const listeners = new Set(); // called with each new entry of the sandbox
let shown = { stop: null, sandbox: null, panel: null };
let stream = null; // ends the one that runs
let turn = 0; // counts renders, so that a slow one does not overwrite the next

export function address(sandbox, panel, rest = [], query = {}) {
  const kept = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const tail = kept.length ? `?${new URLSearchParams(kept)}` : "";
  return `#/${[sandbox, panel, ...rest].map((part) => encodeURIComponent(part)).join("/")}${tail}`;
}

function parsed(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const parts = path.split("/").map((part) => {
    try { return decodeURIComponent(part); } catch { return part; }
  });
  const [sandbox, panel, ...rest] = parts;
  return { sandbox: sandbox || "default", panel: Object.hasOwn(PANELS, panel) ? panel : "exchanges", rest,
    query: Object.fromEntries(new URLSearchParams(query)) };
}

function notice(error) {
  document.getElementById("notice").replaceChildren(error ? h("p", {}, error.message ?? String(error)) : "");
}

async function render() {
  const mine = ++turn;
  const place = parsed(location.hash);
  shown.stop?.();
  shown.stop = null;
  notice(null);
  const main = document.getElementById("main");
  const hadFocus = document.activeElement !== document.body;
  document.getElementById("panels").replaceChildren(...Object.entries(PANELS).map(([name, [title]]) =>
    h("a", { href: address(place.sandbox, name), "aria-current": name === place.panel ? "page" : null }, title)));
  document.querySelector("#panels [aria-current]").scrollIntoView({ block: "nearest", inline: "center" });
  document.title = `${PANELS[place.panel][0]} · ${place.sandbox} · mockserver`;
  try {
    if (place.sandbox !== shown.sandbox) await enter(place.sandbox);
    if (mine !== turn) return;
    const isElsewhere = place.panel !== shown.panel;
    shown.panel = place.panel;
    const box = h("div", { class: `panel of-${place.panel}` });
    const stop = await PANELS[place.panel][1]({
      ...place,
      box,
      link: (panel, rest, query) => address(place.sandbox, panel, rest, query),
      // Note a filter in the address; the panel has drawn itself already.
      note: (query) => history.replaceState(null, "", address(place.sandbox, place.panel, place.rest, query)),
      again: render,
      failed: notice,
      onEntry: (listener) => { listeners.add(listener); return () => listeners.delete(listener); },
    });
    if (mine !== turn) { stop?.(); return; }
    shown.stop = stop ?? null;
    redraw(main, box);
    if (isElsewhere) window.scrollTo(0, 0);
    // What had the focus is gone: who has a keyboard only goes on with what came in its place.
    if (hadFocus && document.activeElement === document.body) main.focus({ preventScroll: true });
  } catch (error) {
    if (mine !== turn) return;
    main.replaceChildren();
    notice(error);
    if (error.status === 404 && place.panel !== "sandboxes") {
      main.append(h("p", {}, h("a", { href: address("default", "sandboxes") }, "See all sandboxes")));
    }
  }
}

// Follow another sandbox. Raises what the server says when there is none of this name.
async function enter(name) {
  stream?.();
  stream = null;
  shown.sandbox = null;
  tell.clear();
  await listSandboxes(name);
  const { requests } = await get(of(name));
  shown.sandbox = name;
  stream = follow(name, requests, told);
}

const tell = newsTo(document.getElementById("news"), render);

function told(news) {
  const live = document.getElementById("live");
  if (news.entry) {
    for (const listener of [...listeners]) listener(news.entry);
    return;
  }
  if (news.steered) {
    if (news.steered.anew) live.textContent = "Live again: the journal began anew";
    // What this page did, its panel has shown.
    if (!news.ours) tell(steeredSentence(news.steered), news.steered.what.some((what) => what !== "clock") || ON_CLOCK.includes(shown.panel));
    return;
  }
  live.className = `live ${news.state === "lost" ? "lost" : "on"}`;
  if (news.state === "lost") live.textContent = news.why;
  if (news.state === "live") live.textContent = "Live";
  if (news.state === "back") {
    const count = `${news.missed} exchange${news.missed === 1 ? "" : "s"}`;
    live.textContent = news.anew ? "Live again: the journal began anew" : `Live again: ${count} came meanwhile`;
    // The exchanges that were missed come one by one, so their list goes on where it was.
    tell(news.anew ? "The server was restarted, or the sandbox was reset: the journal began anew."
      : `The connection was lost and is there again; ${count} came meanwhile.`, news.anew || shown.panel !== "exchanges");
  }
}

async function listSandboxes(current) {
  const { sandboxes: all, total } = await get(`sandboxes?limit=${MOST_CHOICES}`);
  const names = all.map((sandbox) => sandbox.name);
  if (!names.includes(current)) names.push(current);
  document.getElementById("sandbox").replaceChildren(...names.map((name) => h("option", { value: name, selected: name === current }, name)),
    total > all.length ? h("option", { value: "", disabled: true }, `${total - all.length} more in Sandboxes`) : "");
}

document.getElementById("sandbox").addEventListener("change", (event) => {
  const { panel, query } = parsed(location.hash);
  location.hash = address(event.target.value, panel, [], panel === "exchanges" ? query : {}); // the filter goes along
});
document.getElementById("sandbox").addEventListener("focus", () => {
  listSandboxes(parsed(location.hash).sandbox).catch(notice);
});
// A link to #main would be an address of ours.
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});
window.addEventListener("hashchange", render);
render();
