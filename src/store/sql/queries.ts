import type { Kysely } from "kysely";
import type { Store } from "../store.ts";
import { createAuditQueries } from "./audit-queries.ts";
import { createClientQueries } from "./client-queries.ts";
import { createCommit, type Notifier } from "./commit.ts";
import { createCountQueries } from "./count-queries.ts";
import { createGrantQueries } from "./grant-queries.ts";
import { createKeyQueries } from "./key-queries.ts";
import type { Schema } from "./schema.ts";
import { createSettingsQueries } from "./settings-queries.ts";
import { createTrustQueries, type DatabaseInfo } from "./trust-queries.ts";

/** The store methods that are plain SQL. */
export type Queries = Omit<Store, "system" | "shared" | "watch" | "close">;

/** One set of queries for every database. */
export function createQueries(
  db: Kysely<Schema>,
  { info, ...notifier }: Notifier & { info?: DatabaseInfo | undefined } = {},
): Queries {
  const change = createCommit(db, { ...notifier, milliseconds: info?.milliseconds });
  return {
    ...createKeyQueries(db, change),
    ...createClientQueries(db, change),
    ...createSettingsQueries(change),
    ...createTrustQueries(db, { change, info }),
    ...createGrantQueries(db, change),
    ...createAuditQueries(db),
    ...createCountQueries(db),
  };
}
