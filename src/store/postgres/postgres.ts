import { Kysely, PostgresDialect, sql, type Transaction } from "kysely";
import { StartError } from "../../errors.ts";
import type { Milliseconds, Seconds } from "../../time.ts";
import { postgresRemedy } from "../remedies.ts";
import { createStore, type Driver } from "../sql/driver.ts";
import { migrate, refuseOutdated } from "../sql/migrate.ts";
import type { Schema } from "../sql/schema.ts";
import type { DatabaseInfo } from "../sql/trust-queries.ts";
import type { Store } from "../store.ts";
import { type PostgresAddress, parsePostgresUrl } from "./address.ts";
import { appendAudit } from "./append-audit.ts";
import { CHANNEL, listen } from "./notifications.ts";
import { type Place, placeTables } from "./placement.ts";
import { createPool, type PoolOptions } from "./pool.ts";

/** A request must be answered within 2 s, with or without the database. */
const LIMIT_MS: Milliseconds = 1500;
/** A start may wait while other servers migrate, and then migrate itself. In milliseconds. */
const START_LIMITS: PoolOptions = { limit: 60_000, connectLimit: 10_000 };

export type PostgresOptions = {
  /** Whether the tables must exist and have the schema of this release. Creates nothing. Default false. */
  guest?: boolean | undefined;
  /** Longest time for a query or a transaction, in milliseconds. Default 1500. */
  limit?: Milliseconds;
  /** Called with a sentence about an unexpected schema, encoding or pooler. Default: none. */
  onNotice?: ((sentence: string) => void) | undefined;
};

/** Opens a PostgreSQL database as a store; see {@link openPostgres}. */
export async function openPostgresStore(url: string, options?: Omit<PostgresOptions, "limit">): Promise<Store> {
  return createStore(await openPostgres(url, options));
}

/**
 * Opens a PostgreSQL database by a `postgres://` URL, for any number of servers. Throws a {@link StartError} where it cannot
 * be reached or used. Reconnects after later outages.
 */
export async function openPostgres(
  url: string,
  { limit = LIMIT_MS, guest = false, onNotice = () => {} }: PostgresOptions = {},
): Promise<Driver> {
  const address = parsePostgresUrl(url);
  const { schema, notice } = await preparePlace(address, guest);
  if (notice !== undefined) onNotice(notice);
  const db = connectTo(address, { limit, schema });
  return {
    db,
    shared: true,
    system: "postgresql",
    notifyWithin: (transaction) => sql`select pg_notify(${CHANNEL}, '')`.execute(transaction),
    listen: (notify) => listen(address, { notify, limit: LIMIT_MS, onNotice }),
    appendAudit: (records) => appendAudit(db, records),
    skipLocked: sql`for update skip locked`,
    info: DATABASE_INFO,
    close: () => db.destroy(),
  };
}

/** Finds or creates the tables; a guest only finds them. */
async function preparePlace(address: PostgresAddress, guest: boolean): Promise<Place> {
  const db = connectTo(address, START_LIMITS);
  const migrateIn = async (schema: string) => {
    const schemaDb = connectTo(address, { ...START_LIMITS, schema });
    const work = guest ? refuseOutdated(schemaDb) : migrate(schemaDb, { lock, lockTable });
    await work.finally(() => schemaDb.destroy().catch(() => {}));
  };
  try {
    return await placeTables(db, { named: address.schema, guest, migrate: migrateIn });
  } catch (cause) {
    throw cause instanceof StartError ? cause : new StartError(postgresRemedy(cause));
  } finally {
    await db.destroy().catch(() => {});
  }
}

/**
 * Distinguishes copies of the tables: a dump is restored into new tables, and a copy is another database. Files restored in
 * place are detected by their lower sequence numbers. All servers share the clock.
 */
const DATABASE_INFO: DatabaseInfo = {
  history: sql<string>`concat_ws('.', (select oid from pg_database where datname = current_database()), 'state'::regclass::oid)`,
  now: sql<Seconds>`extract(epoch from clock_timestamp())::bigint`,
  milliseconds: sql<Milliseconds>`(extract(epoch from clock_timestamp()) * 1000)::bigint`,
};

/** A lock of the transaction, so that none stays in a pooler's session. Earlier releases take the same one by Kysely's migrator. */
function lock(transaction: Transaction<Schema>): Promise<unknown> {
  return sql`select pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)})`.execute(transaction);
}

function lockTable(transaction: Transaction<Schema>, table: keyof Schema): Promise<unknown> {
  return sql`lock table ${sql.table(table)} in access exclusive mode`.execute(transaction);
}

const MIGRATION_LOCK = 3853314791062309107n;

function connectTo(address: PostgresAddress, options: PoolOptions): Kysely<Schema> {
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: createPool(address, options) }) });
}
