// The server's metrics: reads the text format of Prometheus, takes two looks apart, and estimates quantiles.
// Must not know: the admin API, or pages.

// The samples of a text by the name of the metric, each with its labels and its value.
export function parsed(text) {
  const metrics = new Map();
  for (const line of text.split("\n")) {
    const found = line.match(/^([a-z_]+)(?:\{(.*)\})? (\S+)$/i);
    if (!found) continue;
    const labels = {};
    for (const [, name, value] of (found[2] ?? "").matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/gi)) {
      labels[name] = value.replace(/\\(.)/g, (_, char) => (char === "n" ? "\n" : char));
    }
    const name = found[1].replace(/^mockserver_/, "");
    if (!metrics.has(name)) metrics.set(name, []);
    metrics.get(name).push({ labels, value: Number(found[3]) });
  }
  return metrics;
}

function sum(samples) {
  return samples.reduce((total, sample) => total + sample.value, 0);
}

// What the health panel shows of a look: requests, latency by operation and for all, violations by side, the rest.
export function look(text, at) {
  const metrics = parsed(text);
  const of = (name) => metrics.get(name) ?? [];
  const operations = new Map();
  const known = ({ api, operation }) => {
    const key = `${api} ${operation}`;
    if (!operations.has(key)) operations.set(key, { api, operation, statuses: new Map(), latency: [] });
    return operations.get(key);
  };
  for (const { labels, value } of of("requests_total")) {
    const { statuses } = known(labels);
    statuses.set(labels.status, (statuses.get(labels.status) ?? 0) + value);
  }
  for (const { labels, value } of of("request_duration_seconds_bucket")) known(labels).latency.push([Number(labels.le.replace("+Inf", "Infinity")), value]);
  const all = [...operations.values()];
  return {
    at,
    requests: sum(of("requests_total")),
    latency: added(all.map((one) => one.latency)),
    operations: all,
    violations: Object.fromEntries(of("violations_total").map(({ labels, value }) => [labels.side, value])),
    refused: sum(of("refused_total")),
    connections: sum(of("open_connections")),
    sandboxes: sum(of("sandboxes")),
    version: of("build_info")[0]?.labels.version ?? "",
  };
}

// Histograms as one: pairs of a bucket's upper bound and how many were at most that.
function added(histograms) {
  const counts = new Map();
  for (const [bound, count] of histograms.flat()) counts.set(bound, (counts.get(bound) ?? 0) + count);
  return [...counts].sort(([a], [b]) => a - b);
}

// What happened between two looks; null when the server was restarted between them.
export function between(before, after) {
  if (after.requests < before.requests) return null;
  const seconds = Math.max(after.at - before.at, 1e-3);
  const old = new Map(before.latency);
  return {
    at: after.at,
    rate: (after.requests - before.requests) / seconds,
    latency: after.latency.map(([bound, count]) => [bound, count - (old.get(bound) ?? 0)]),
    violations: Object.fromEntries(Object.entries(after.violations).map(([side, count]) => [side, (count - (before.violations[side] ?? 0)) / seconds])),
  };
}

// The seconds below which a share of the requests were answered, or null when there were none. A histogram tells only
// the bucket; inside it the requests are taken to be spread evenly.
export function quantile(histogram, share) {
  const total = histogram.at(-1)?.[1] ?? 0;
  if (!total) return null;
  const wanted = share * total;
  let [below, counted] = [0, 0];
  for (const [bound, count] of histogram) {
    if (count >= wanted && count > counted) {
      return Number.isFinite(bound) ? below + (bound - below) * ((wanted - counted) / (count - counted)) : below;
    }
    [below, counted] = [bound, count];
  }
  return below;
}
