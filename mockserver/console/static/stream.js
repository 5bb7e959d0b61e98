// The items of a response that was a stream, on a time line and as a list. Must not know: the admin API.

import { duration, h, table, timeOfDay } from "./dom.js";
import { timeline } from "./timeline.js";

const MOST = 200; // items that a page lists
const ENDS = { cut: "Then the connection was closed in the middle.", reset: "Then the connection was reset." };

// `stream` is that of a journal entry; nothing for a response that was none.
export function streamOf(stream) {
  if (!stream?.items.length) return [];
  const { items, end } = stream;
  return [h("section", {}, h("h2", {}, `Stream of ${items.length} item${items.length === 1 ? "" : "s"}`),
    timeline({ title: "Items of the stream", events: items.map((item, index) => ({ at: item.at, kind: "in", words: `Item ${index + 1} at ${timeOfDay(item.at)}` })) }),
    table("Items", [{ title: "Item", class: "right" }, "Time", "After", "Text"], items.slice(0, MOST).map((item, index) => [
      String(index + 1), timeOfDay(item.at), index ? `+ ${duration(item.at - items[index - 1].at)}` : "", h("code", {}, item.text.trimEnd())])),
    items.length > MOST ? h("p", { class: "quiet" }, `The first ${MOST} of ${items.length} items.`) : null,
    end ? h("p", { class: "bad" }, ENDS[end]) : null)];
}
