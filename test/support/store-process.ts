import { MintmarkError } from "../../src/errors.ts";
import type { Store } from "../../src/store/store.ts";
import { openStoreAt, type StoreAddress } from "./store-address.ts";

/** To open a store, which gives its number, or to do something with one that is open. */
export type StoreRequest =
  | { open: StoreAddress }
  | { store: number; verb: Exclude<keyof Store, "shared">; parameters: unknown[] };
export type StoreResponse = { id: number } & ({ outcome: unknown } | { reason?: string; message: string });

const stores: Store[] = [];

async function answer(request: StoreRequest): Promise<unknown> {
  if ("open" in request) return stores.push(await openStoreAt(request.open)) - 1;
  const { [request.store]: store } = stores;
  if (store === undefined) throw new Error("there is no such store");
  if (request.verb === "watch") return void store.watch(() => {});
  return (store[request.verb] as (...parameters: unknown[]) => Promise<unknown>)(...request.parameters);
}

/** Serves stores to the process that started this one. Nothing but the channel to it and the stores keeps it alive. */
process.on("message", async ({ id, ...request }: StoreRequest & { id: number }) => {
  const response = await answer(request).then(
    (outcome) => ({ outcome }),
    (error: Error) => ({ ...(error instanceof MintmarkError && { reason: error.reason }), message: error.message }),
  );
  process.send?.({ id, ...response } satisfies StoreResponse);
});
