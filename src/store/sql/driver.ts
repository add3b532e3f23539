import type { Kysely, Transaction } from "kysely";
import { MintmarkError } from "../../errors.ts";
import type { Milliseconds } from "../../time.ts";
import { isOutage } from "../outage.ts";
import type { Store } from "../store.ts";
import { createQueries, type Queries } from "./queries.ts";
import type { Schema } from "./schema.ts";
import type { DatabaseInfo } from "./trust-queries.ts";

/** What one database does in its own way. */
export type Driver = {
  db: Kysely<Schema>;
  /** Whether other servers may have the database open, too. */
  shared: boolean;
  system: Store["system"];
  /** Tells other processes of a change, within its transaction. */
  notifyWithin?: (transaction: Transaction<Schema>) => Promise<unknown>;
  /** Tells other processes of a change that has been made. */
  notifyPeers?: () => void;
  /** Calls back when one has been announced or told of. Gives the verb that ends it. */
  listen?: (wake: () => void) => () => void;
  /** Runs a verb, again where it did nothing because another process had the database locked. Default: once. */
  run?: <Outcome>(verb: () => Promise<Outcome>) => Promise<Outcome>;
  /** Read with the position, where other servers may have the database open. */
  info?: DatabaseInfo;
  close: () => Promise<void>;
};

/** Other processes that have the same database open, where they can be reached without it. */
export type PeerProcesses = Required<Pick<Driver, "notifyPeers" | "listen">>;

/** How often another process's changes are looked for, in milliseconds, whether or not they were announced. */
const POLL_MS: Milliseconds = 1000;

/** Makes a store of a database: its queries, watched and guarded. */
export function createStore({ db, system, shared, listen, run = once, close, ...others }: Driver): Store {
  let isClosed = false;
  const queries = guardStore(createQueries(db, others), { run, isClosed: () => isClosed });
  const watches = new Set<() => void>();
  return {
    ...queries,
    shared,
    system,
    watch(look) {
      const end = watch(look, listen);
      watches.add(end);
      return () => {
        watches.delete(end);
        end();
      };
    },
    async close() {
      isClosed = true;
      for (const end of watches) end();
      await close();
    },
  };
}

const once: Required<Driver>["run"] = (verb) => verb();

type Guard = { run: Required<Driver>["run"]; isClosed: () => boolean };

/**
 * Turns an outage into `unavailable`, and any other failure into `internal_error`, which is logged: to try that again would
 * not help. The failure itself stays inside, since its message may quote what was stored.
 */
function guardStore(queries: Queries, { run, isClosed }: Guard): Queries {
  const entries = Object.entries(queries).map(([name, query]) => [
    name,
    async (...parameters: never[]) => {
      try {
        return await run(() => (query as (...parameters: never[]) => Promise<unknown>)(...parameters));
      } catch (cause) {
        if (cause instanceof MintmarkError) throw cause;
        throw new MintmarkError(isClosed() || isOutage(cause) ? "unavailable" : "internal_error", { cause });
      }
    },
  ]);
  return Object.fromEntries(entries);
}

/** Calls back at intervals, since an announcement can be lost, and as soon as a change is announced. */
function watch(look: () => void, listen: Driver["listen"]): () => void {
  const timer = setInterval(look, POLL_MS).unref();
  const unlisten = listen?.(look);
  return () => {
    clearInterval(timer);
    unlisten?.();
  };
}
