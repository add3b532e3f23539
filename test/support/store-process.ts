import type { Store } from "../../src/store/store.ts";
import { serveRemote } from "./remote.ts";
import { openStoreAt, type StoreAddress } from "./store-address.ts";

/** Opens a store, which gives its number, or calls a verb of an open one. */
export type StoreRequest = { open: StoreAddress } | { store: number; verb: string; parameters: unknown[] };

const stores: Store[] = [];

// The channel to the process that started this one and the stores alone keep it alive.
serveRemote(async (request: StoreRequest) => {
  if ("open" in request) return stores.push(await openStoreAt(request.open)) - 1;
  const { [request.store]: store } = stores;
  if (store === undefined) throw new Error("there is no such store");
  if (request.verb === "watch") return void store.watch(() => {});
  return (store[request.verb as "revoke"] as (...parameters: unknown[]) => Promise<unknown>)(...request.parameters);
});
