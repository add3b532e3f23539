import type { Client } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";

/** A use within this time of the stored one is not stored. */
const RESOLUTION: Seconds = 60;

/** Clients per transaction. */
const BATCH = 200;

type UsedClient = Pick<Client, "clientId" | "lastUsedAt" | "introduced">;

/** When clients were last used: noted in memory by each authentication and while they follow, written every minute. */
export type ClientUses = {
  /** Not of clients that introduced themselves: anybody can present the id of one, and unused ones are deleted. */
  note(client: UsedClient): void;
  /** A client that introduced itself is used when it receives a token. */
  noteToken(client: UsedClient): void;
  /** Writes the noted uses. After a failure, the next call writes them. */
  flush(): Promise<void>;
};

export type ClientUsesOptions = { store: Pick<Store, "recordUses">; clock: Clock };

export function createClientUses({ store, clock }: ClientUsesOptions): ClientUses {
  const noted = new Map<string, Seconds>();

  function add({ clientId, lastUsedAt = Number.NEGATIVE_INFINITY }: UsedClient): void {
    const now = clock();
    if (now - lastUsedAt >= RESOLUTION) noted.set(clientId, now);
  }

  return {
    note(client) {
      if (client.introduced === undefined) add(client);
    },
    noteToken(client) {
      if (client.introduced !== undefined) add(client);
    },
    async flush() {
      const uses = Array.from(noted, ([clientId, at]) => ({ clientId, at }));
      for (let from = 0; from < uses.length; from += BATCH) {
        const batch = uses.slice(from, from + BATCH);
        await store.recordUses(batch);
        // A later use of the client may have been noted meanwhile.
        for (const { clientId, at } of batch) if (noted.get(clientId) === at) noted.delete(clientId);
      }
    },
  };
}
