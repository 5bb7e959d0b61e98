// The clients that are written for Node, each as its documentation shows it: node node_clients.mjs < cases.json
// What can be configured to retry is configured to retry a POST too; the clients of vendors are as they come.

import { readFileSync } from "node:fs";

const THING = { name: "a" };
const bearer = (key) => ({ Authorization: `Bearer ${key}` });
const messages = [{ role: "user", content: "Hello?" }];

const CLIENTS = {
  async "datagrid-ai"(url, key) {
    const { default: Datagrid } = await import("datagrid-ai");
    await new Datagrid({ apiKey: key, baseURL: url }).memory.user.create({ agent_id: "a", memory: "m" });
  },
  async mem0ai(url, key) {
    const { default: MemoryClient } = await import("mem0ai");
    await new MemoryClient({ apiKey: key, host: url }).add([{ role: "user", content: "I like tea." }], { userId: "u" });
  },
  async openai(url, key) {
    const { default: OpenAI } = await import("openai");
    await new OpenAI({ apiKey: key, baseURL: `${url}/v1` }).chat.completions.create({ model: "m", messages });
  },
  async "@anthropic-ai/sdk"(url, key) {
    const { default: Anthropic } = await import("@anthropic-ai/sdk");
    await new Anthropic({ authToken: key, apiKey: null, baseURL: url }).messages.create({ model: "m", max_tokens: 9, messages });
  },
  async "axios-retry"(url, key) {
    const { default: axios } = await import("axios");
    const { default: axiosRetry, exponentialDelay, isNetworkError } = await import("axios-retry");
    const http = axios.create({ headers: bearer(key) });
    axiosRetry(http, {
      retries: 3,
      retryDelay: exponentialDelay,
      retryCondition: (error) => isNetworkError(error) || [429, 503].includes(error.response?.status),
    });
    await http.post(`${url}/things`, THING);
  },
  async got(url, key) {
    const { default: got } = await import("got");
    await got.post(`${url}/things`, { json: THING, headers: bearer(key), retry: { limit: 3, methods: ["POST"] } });
  },
  async ky(url, key) {
    const { default: ky } = await import("ky");
    await ky.post(`${url}/things`, { json: THING, headers: bearer(key), retry: { limit: 3, methods: ["post"] }, timeout: false });
  },
  async stripe(url, key) {
    const { default: Stripe } = await import("stripe");
    const { hostname, port, pathname } = new URL(url);
    // The client takes a host and no path, so the sandbox is told by the key.
    await new Stripe(key, { host: hostname, port, protocol: "http", maxNetworkRetries: 2 }).charges.create({ amount: 100, currency: "eur" });
    return pathname;
  },
};

const asked = JSON.parse(readFileSync(0, "utf8"));
const outcomes = {};

function end() {
  process.stdout.write(JSON.stringify(outcomes), () => process.exit(0));
}

setTimeout(end, asked.seconds * 1000);
await Promise.all(
  Object.entries(asked.cases).map(async ([name, { url, key }]) => {
    try {
      await CLIENTS[asked.client](url, key);
      outcomes[name] = "ok";
    } catch (error) {
      outcomes[name] = error?.constructor?.name ?? String(error);
    }
  }),
);
end();
