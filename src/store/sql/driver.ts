import { type Kysely, sql, type Transaction } from "kysely";
import { MintmarkError } from "../../errors.ts";
import { isOutage } from "../outage.ts";
import type { Store } from "../store.ts";
import { createWatch } from "../watch.ts";
import { type AppendAudit, createAuditQueries } from "./audit-queries.ts";
import { createClientQueries } from "./client-queries.ts";
import { createCodeQueries } from "./code-queries.ts";
import { createCommit, type Transact } from "./commit.ts";
import { createConsentQueries } from "./consent-queries.ts";
import { createCountQueries } from "./count-queries.ts";
import { createDeviceQueries } from "./device-queries.ts";
import { createGrantQueries } from "./grant-queries.ts";
import { createIntroducedClientQueries } from "./introduced-client-queries.ts";
import { createKeyQueries } from "./key-queries.ts";
import { createLogoutQueries } from "./logout-queries.ts";
import { createPruneWith, type SkipLocked } from "./prune.ts";
import { createRequestQueries } from "./request-queries.ts";
import { createResourceQueries } from "./resource-queries.ts";
import type { Schema } from "./schema.ts";
import { createSettingsQueries } from "./settings-queries.ts";
import { createSignInQueries } from "./sign-in-queries.ts";
import { createTrustQueries, type DatabaseInfo } from "./trust-queries.ts";

/** What differs between databases. */
export type Driver = {
  db: Kysely<Schema>;
  /** Whether other servers may use the database at the same time. */
  shared: boolean;
  system: Store["system"];
  /** Notifies other processes of a change, within its transaction. */
  notifyWithin?: (transaction: Transaction<Schema>) => Promise<unknown>;
  /** Notifies other processes of a change, after its commit. */
  notifyPeers?: () => void;
  /** Calls back on each notification. Returns the function that ends it. */
  listen?: (onChange: () => void) => () => void;
  /** Runs a query; retries it where it had no effect because another process holds the lock. Default: runs it once. */
  run?: <Outcome>(query: () => Promise<Outcome>) => Promise<Outcome>;
  /** Runs the transaction of a change. Default: one for each. */
  transact?: Transact;
  /** Default: a transaction of its own. */
  appendAudit?: AppendAudit;
  /** Default: nothing. */
  skipLocked?: SkipLocked;
  /** Read with the position, where other servers may use the database. */
  info?: DatabaseInfo;
  close: () => Promise<void>;
};

/** The notifications between processes that share an embedded database. */
export type PeerProcesses = Required<Pick<Driver, "notifyPeers" | "listen">>;

/** The store methods that are plain SQL. */
type Queries = Omit<Store, "system" | "shared" | "watch" | "close">;

/** Creates a store over a database. */
export function createStore(driver: Driver): Store {
  const { system, shared, listen, run = (query) => query(), close } = driver;
  let isClosed = false;
  const { watch, unwatchAll } = createWatch(listen);
  return {
    ...mapErrors(createQueries(driver), { run, isClosed: () => isClosed }),
    shared,
    system,
    watch,
    async close() {
      isClosed = true;
      unwatchAll();
      await close();
    },
  };
}

/** One set of queries for every database. */
function createQueries(driver: Driver): Queries {
  const { db, info, skipLocked = sql``, notifyWithin, notifyPeers, appendAudit } = driver;
  const { transact = (work) => db.transaction().execute(work) } = driver;
  const commit = createCommit(transact, { notifyWithin, notifyPeers, milliseconds: info?.milliseconds });
  const createPrune = createPruneWith(db, skipLocked);
  return {
    ...createKeyQueries(db, commit),
    ...createClientQueries(db, commit),
    ...createIntroducedClientQueries(db, skipLocked),
    ...createResourceQueries(db, commit),
    ...createSettingsQueries(commit),
    ...createTrustQueries(db, { commit, info, createPrune }),
    ...createGrantQueries(db, { commit, transact, skipLocked }),
    ...createAuditQueries(db, { createPrune, appendAudit }),
    ...createCountQueries(db, createPrune),
    ...createSignInQueries(db, { commit, createPrune }),
    ...createRequestQueries(db),
    ...createCodeQueries(db, commit),
    ...createConsentQueries(db, commit),
    ...createDeviceQueries(db),
    ...createLogoutQueries(db, skipLocked),
  };
}

/**
 * Maps an outage to `unavailable` and any other failure to `internal_error`, which is logged and not worth a retry. The
 * original error is the cause only: its message may quote stored data.
 */
function mapErrors(
  queries: Queries,
  { run, isClosed }: { run: Required<Driver>["run"]; isClosed: () => boolean },
): Queries {
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
