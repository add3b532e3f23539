import type { Kysely } from "kysely";
import { createAuditQueries } from "./audit-queries.ts";
import { createChange, type Tx } from "./change.ts";
import { createClientQueries } from "./client-queries.ts";
import { createKeyQueries } from "./key-queries.ts";
import type { Schema } from "./schema.ts";
import { createSessionQueries } from "./session-queries.ts";
import type { Store } from "./store.ts";
import { createTrustQueries } from "./trust-queries.ts";

/** The verbs that are nothing but SQL. */
export type Queries = Omit<Store, "watch" | "close">;

/**
 * The store's verbs as one set of queries for every database. `announce` tells other processes of a
 * change, within the transaction that makes it; `history` tells apart what the database was restored to.
 */
export function createQueries(
  db: Kysely<Schema>,
  announce: (transaction: Tx) => Promise<unknown> = async () => {},
  history?: () => Promise<string>,
): Queries {
  const change = createChange(db, announce);
  return {
    ...createKeyQueries(db, change),
    ...createClientQueries(db, change),
    ...createTrustQueries(db, { change, history }),
    ...createSessionQueries(db, change),
    ...createAuditQueries(db),
  };
}
