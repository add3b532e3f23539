import { randomUUID } from "node:crypto";
import { type Kysely, sql, type Transaction } from "kysely";
import { StartError } from "../errors.ts";
import { loadKeyPair, rewrapKey, type StoredKey } from "../keys/key-pair.ts";
import { type KeyEncryptionKey, kekFingerprintOf } from "../keys/key-wrapping.ts";
import type { Driver } from "./sql/driver.ts";
import { fromKeyRow } from "./sql/mappers.ts";
import { appliedMigrations } from "./sql/migrate.ts";
import type { Schema } from "./sql/schema.ts";

/** Rows per read and per write. */
const BATCH = 1000;

/** Tables to copy, each with the columns of a unique index, which orders the reads. */
const TABLES = {
  keys: ["kid"],
  clients: ["client_id"],
  resources: ["audience"],
  revocations: ["sequence"],
  sessions: ["sid"],
  refresh_tokens: ["hash"],
  counts: ["id"],
  audit: ["id"],
  sign_ins: ["sid"],
  authorization_requests: ["handle"],
  authorization_codes: ["hash"],
  sign_in_consents: ["subject", "client_id", "host", "audience"],
  device_requests: ["hash"],
  logout_notices: ["sid", "client_id"],
} as const satisfies Record<Exclude<keyof Schema, "state">, readonly string[]>;
type Table = keyof typeof TABLES;
const tables = Object.keys(TABLES) as Table[];

export type Moved = Record<Table, number>;

export type MoveOptions = {
  /** Encrypts private keys that are stored unencrypted. Must open those that are encrypted. Default: no encryption. */
  kek: KeyEncryptionKey | undefined;
};

/**
 * Copies all state into an empty database in one transaction. Does not change the source. Throws a {@link StartError}
 * where the target is not empty, where the source has a newer schema, and where `kek` cannot open a private key.
 */
export async function moveState(
  from: Pick<Driver, "db">,
  to: Pick<Driver, "db">,
  { kek }: MoveOptions,
): Promise<Moved> {
  await refuseOtherRelease(from.db, to.db);
  const state = await from.db.selectFrom("state").selectAll().executeTakeFirstOrThrow();
  const keys = await from.db.selectFrom("keys").selectAll().execute();
  const wrapped = new Map<unknown, string>();
  for (const row of keys) wrapped.set(row.kid, (await encryptKey(kek, fromKeyRow(row))).privateJwk);
  const encrypt: Encrypt = (table, row) =>
    table === "keys" ? { ...row, private_jwk: wrapped.get(row.kid) ?? "" } : row;

  return to.db.transaction().execute(async (target) => {
    await replaceState(target, state);
    const [source, copy] = [from.db, target] as unknown as [Kysely<Tables>, Kysely<Tables>];
    const moved: [Table, number][] = [];
    for (const table of tables) moved.push([table, await copyTable(table, { source, copy, encrypt })]);
    return Object.fromEntries(moved) as Moved;
  });
}

/** Columns of a newer release would be lost. */
async function refuseOtherRelease(from: Kysely<Schema>, to: Kysely<Schema>): Promise<void> {
  const [sourceMigrations, targetMigrations] = await Promise.all([appliedMigrations(from), appliedMigrations(to)]);
  if (sourceMigrations.some((name) => !targetMigrations.includes(name)))
    throw new StartError(
      "The database in MINTMARK_DATA has the schema of a newer Mintmark release: move it with that release",
    );
}

async function encryptKey(kek: KeyEncryptionKey | undefined, key: StoredKey): Promise<StoredKey> {
  if (key.killedAt !== undefined) return key;
  if (kek !== undefined && kekFingerprintOf(key.privateJwk) === "") return rewrapKey(key, undefined, kek);
  // Fails now: a key that no server can open must not be discovered after the embedded database is deleted.
  await loadKeyPair(key, kek);
  return key;
}

/** Sequence numbers order tokens and revocations, so new ones must be higher than those of the source. */
async function replaceState(target: Transaction<Schema>, source: Schema["state"]): Promise<void> {
  // The lock that every change takes.
  const { issuer, revision } = await target.selectFrom("state").selectAll().forUpdate().executeTakeFirstOrThrow();
  for (const table of tables) {
    const row = await target.selectFrom(table).selectAll().limit(1).executeTakeFirst();
    const what = table === "keys" || table === "clients" ? "keys or clients" : table.replaceAll("_", " ");
    if (row !== undefined) throw notEmpty(what);
  }
  if (issuer !== null) throw notEmpty("settings of a server");
  const next = Math.max(source.revision, revision) + 1;
  await target
    .updateTable("state")
    .set({ ...source, revision: next, keys_revision: next, epoch: randomUUID() })
    .execute();
}

function notEmpty(what: string): StartError {
  return new StartError(`The database in DATABASE_URL already has ${what}: name an empty database`);
}

/** Copying needs no column by name but the ordering one. */
type Row = Record<string, string | number>;
type Tables = Record<Table, Row>;
/** Encrypts before the insert: an unencrypted private key would stay in the write-ahead log of the database. */
type Encrypt = (table: Table, row: Row) => Row;
type Copying = { source: Kysely<Tables>; copy: Kysely<Tables>; encrypt: Encrypt };

async function copyTable(table: Table, { source, copy, encrypt }: Copying): Promise<number> {
  const columns: readonly string[] = TABLES[table];
  const tuple = (values: readonly unknown[]) => sql`(${sql.join(values)})`;
  const key = tuple(columns.map((column) => sql.ref(column)));
  let copied = 0;
  for (let last: Row | undefined; ; ) {
    const after = last;
    const rows = await source
      .selectFrom(table)
      .selectAll()
      .$if(after !== undefined, (all) =>
        all.where(sql<boolean>`${key} > ${tuple(columns.map((column) => after?.[column]))}`),
      )
      .orderBy(sql.join(columns.map((column) => sql.ref(column))))
      .limit(BATCH)
      .execute();
    last = rows.at(-1);
    if (last === undefined) return copied;
    await copy
      .insertInto(table)
      .values(rows.map((row) => encrypt(table, row)))
      .execute();
    copied += rows.length;
  }
}
