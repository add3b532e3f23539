import type { Kysely, Transaction } from "kysely";
import { MintmarkError } from "../errors.ts";
import { createQueries, type Queries } from "./queries.ts";
import type { Schema } from "./schema.ts";
import type { Store } from "./store.ts";

/** What one database does in its own way. */
export type Driver = {
  db: Kysely<Schema>;
  /** Tells other processes of a change, within its transaction. */
  announce?: (transaction: Transaction<Schema>) => Promise<unknown>;
  /** Calls back when one has been announced. Gives the verb that ends it. */
  listen?: (wake: () => void) => () => void;
  close: () => Promise<void>;
};

/** How often another process's changes are looked for, in milliseconds, whether or not they were announced. */
const POLL = 1000;

/** Makes a store of a database: its queries, watched and guarded. */
export function createStore({ db, announce, listen, close }: Driver): Store {
  const queries = guarded(createQueries(db, announce));
  const watches = new Set<() => void>();
  return {
    ...queries,
    watch(changed) {
      const end = watch({ revision: queries.revision, listen, changed });
      watches.add(end);
      return () => {
        watches.delete(end);
        end();
      };
    },
    async close() {
      for (const end of watches) end();
      await close();
    },
  };
}

/** Turns whatever the database throws into `unavailable`: its own words may quote what was stored. */
function guarded(queries: Queries): Queries {
  const entries = Object.entries(queries).map(([name, query]) => [
    name,
    async (...parameters: never[]) => {
      try {
        return await (query as (...parameters: never[]) => Promise<unknown>)(...parameters);
      } catch (cause) {
        throw cause instanceof MintmarkError ? cause : new MintmarkError("unavailable", { cause });
      }
    },
  ]);
  return Object.fromEntries(entries);
}

type Watch = { revision: () => Promise<number>; listen: Driver["listen"]; changed: () => void };

/** Calls back when the revision has moved on. Asks at intervals, and as soon as a change is announced. */
function watch({ revision, listen, changed }: Watch): () => void {
  let known: number | undefined;
  let asking = false;
  const ask = async () => {
    if (asking) return;
    asking = true;
    try {
      const current = await revision();
      // Also the first time: something may have changed since the caller last looked.
      if (current !== known) changed();
      known = current;
    } catch {
      // The database is away: what it missed is noticed when it is back, by the revision.
    } finally {
      asking = false;
    }
  };
  const timer = setInterval(ask, POLL).unref();
  const unlisten = listen?.(changed);
  void ask();
  return () => {
    clearInterval(timer);
    unlisten?.();
  };
}
