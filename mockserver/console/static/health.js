// The panel of health: how many requests the whole server answers, how fast, and who breaks the contract, as they come.

import { getText } from "./admin.js";
import { chart } from "./charts.js";
import { facts, figure, h, redraw, table } from "./dom.js";
import { between, look, quantile } from "./metrics.js";

const EVERY = 2000; // milliseconds between two looks
const SPAN = 300_000, LEAST_SPAN = 60_000; // milliseconds that a chart goes back
const SHARES = [["p50", 0.5], ["p95", 0.95], ["p99", 0.99]];
const SIDES = ["client", "server", "upstream", "declared"];

const looks = []; // kept while the page is open, so that the charts go on after a visit to another panel

export async function show({ box, link, failed }) {
  const now = h("div"), charts = h("div", { class: "cards" }), operations = h("div");
  let isWrong = false;

  async function load() {
    try {
      looks.push(look(await getText("metrics"), performance.now() / 1000));
      while (looks.at(-1).at - looks[0].at > SPAN / 1000) looks.shift();
      if (isWrong) failed(null);
      isWrong = false;
      draw();
    } catch (error) {
      isWrong = true;
      failed(error);
    }
  }

  function draw() {
    const newest = looks.at(-1);
    const steps = looks.slice(1).map((one, index) => [one, between(looks[index], one)]);
    const to = newest.at * 1000, from = Math.min(looks[0].at * 1000, to - LEAST_SPAN);
    const line = (name, value) => ({ name, points: steps.map(([one, step]) => [one.at * 1000, step && value(step)]) });
    redraw(now,
      h("p", { class: "figures" }, figure("Requests", newest.requests.toLocaleString("en")),
        SHARES.map(([name, share]) => figure(`${name} since the start`, milliseconds(quantile(newest.latency, share)))),
        SIDES.map((side) => figure(`Violations, ${side}`, h("a", { href: link("exchanges", [], { side }) }, (newest.violations[side] ?? 0).toLocaleString("en"))))),
      facts([["Version", newest.version], ["Sandboxes", newest.sandboxes.toLocaleString("en")], ["Open connections", String(newest.connections)],
        ["Refused at the socket", newest.refused.toLocaleString("en")]]));
    charts.replaceChildren(
      chart({ title: "Requests a second", from, to, format: perSecond, lines: [line("all", (step) => step.rate)] }),
      chart({ title: "Latency", from, to, format: milliseconds, lines: SHARES.map(([name, share]) => line(name, (step) => quantile(step.latency, share))) }),
      chart({ title: "Violations a second", from, to, format: perSecond, lines: SIDES.map((side) => line(side, (step) => step.violations[side] ?? 0)) }));
    redraw(operations, newest.operations.length ? table("Operations",
      ["Operation", "API", { title: "Requests", class: "right" }, "Statuses", ...SHARES.map(([title]) => ({ title, class: "right" }))],
      newest.operations.map((one) => [
        one.operation ? h("a", { href: link("exchanges", [], { api: one.api, operation: one.operation }) }, one.operation) : "no operation", one.api,
        [...one.statuses.values()].reduce((total, count) => total + count, 0).toLocaleString("en"),
        h("span", { class: "statuses" }, [...one.statuses].sort().map(([status, count]) => h("a", { class: `tag s${status[0]}`,
          href: link("exchanges", [], { api: one.api, operation: one.operation, status }) }, `${status === "0" ? "lost" : status} × ${count.toLocaleString("en")}`))),
        ...SHARES.map(([, share]) => milliseconds(quantile(one.latency, share)))]))
      : h("p", { class: "quiet" }, "No request has come yet."));
  }

  box.append(h("h1", {}, "Health"),
    h("p", { class: "quiet" }, "Of the whole server, all sandboxes together, since it was started. Latency is the time that answering took, without deliberate delays, as far as a histogram can tell it. The links lead to the exchanges of this sandbox."),
    now, charts, h("h2", {}, "Operations"), operations);
  await load();
  const timer = setInterval(load, EVERY);
  return () => clearInterval(timer);
}

function milliseconds(seconds) {
  if (seconds === null) return "none";
  const millis = seconds * 1000;
  return `${Number(millis.toPrecision(millis < 10 ? 2 : 3))} ms`;
}

function perSecond(rate) {
  return `${Number(rate.toPrecision(3)).toLocaleString("en")}/s`;
}
