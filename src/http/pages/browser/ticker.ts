import type { TrustUpdate } from "../../../trust/trust-update.ts";
import { element, make, withCode } from "./dom.ts";
import { createEventLines, readEvents, type ServerEvent } from "./events.ts";
import { openFeed } from "./service.ts";

const MAX_LINES = 30;
const RETRY_MS = 1000;
/** Reasons that a retry does not remove: other credentials do. */
const FINAL = new Set(["invalid_client", "permission_denied"]);

export type Ticker = {
  /** Follows the feed with the current credentials, instead of any feed before. */
  start(): void;
  stop(): void;
};

/** The list of trust events. `onChange` runs at each connection and at each event but heartbeats. */
export function createTicker(onChange: () => void): Ticker {
  const list = element("events", HTMLOListElement);
  const state = element("feed", HTMLElement);
  let current = new AbortController();
  const linesOf = createEventLines();
  let latest = "";

  const show = (text: string, isLive = false) => {
    state.textContent = text;
    state.dataset.state = isLive ? "live" : "";
  };

  function receive({ id, event, data }: ServerEvent): void {
    if (event !== "message" || data === "") return;
    latest = id;
    const lines = linesOf(JSON.parse(data) as TrustUpdate);
    const time = new Date().toLocaleTimeString();
    list.prepend(...lines.map((line) => make("li", {}, make("time", {}, time), " ", ...withCode(line))).reverse());
    while (list.children.length > MAX_LINES) list.lastElementChild?.remove();
    if (lines.length > 0) onChange();
  }

  /** Follows until the feed ends. Returns whether to follow again. */
  async function follow(signal: AbortSignal): Promise<boolean> {
    const feed = await openFeed(latest, signal);
    if ("reason" in feed) {
      show(`not available: ${feed.message} (${feed.reason})`);
      return !FINAL.has(feed.reason);
    }
    show("live", true);
    onChange();
    const decoder = new TextDecoder();
    let text = "";
    // Not `for await`: Safari has no asynchronous iterator of a stream.
    for (const reader = feed.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) return true;
      const { events, rest } = readEvents(text + decoder.decode(value, { stream: true }));
      text = rest;
      for (const event of events) receive(event);
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const isOver = await follow(signal).then(
        (again) => !again,
        () => false,
      );
      if (signal.aborted || isOver) return;
      if (state.dataset.state === "live") show("reconnecting");
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  return {
    start() {
      current.abort();
      current = new AbortController();
      void run(current.signal);
    },
    stop() {
      current.abort();
      show("off until you use a client");
    },
  };
}
