import { openMemoryStore } from "../../src/store/memory/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { startRemote } from "./remote.ts";
import type { StoreAddress } from "./store-address.ts";
import type { StoreRequest } from "./store-process.ts";

export type Elsewhere = ReturnType<typeof startElsewhere>;

const VERBS = Object.entries(openMemoryStore()).flatMap(([verb, call]) => (typeof call === "function" ? [verb] : []));

/** A store that another process has open. Its watcher is notified in that process alone. */
export type StoreElsewhere = Omit<Store, "shared" | "watch"> & { watch(): Promise<void> };

/** Starts another process, in which stores can be opened and used from this one. Killed at the end of its block. */
export function startElsewhere() {
  const { request, disconnect, ended, ...remote } = startRemote("store-process.ts");
  const ask = (content: StoreRequest) => request(content);
  return {
    ...remote,
    async open(address: StoreAddress): Promise<StoreElsewhere> {
      const store = (await ask({ open: address })) as number;
      const calls = VERBS.map((verb) => [verb, (...parameters: unknown[]) => ask({ store, verb, parameters })]);
      return Object.fromEntries(calls);
    },
    /** Sends nothing more, and resolves when the process has ended by itself. */
    async leave(): Promise<void> {
      disconnect();
      await ended;
    },
  };
}
