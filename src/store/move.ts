import { randomUUID } from "node:crypto";
import type { Kysely, Transaction } from "kysely";
import { StartError } from "../errors.ts";
import { loadKeyPair, rewrapKey, type StoredKey } from "../keys/key-pair.ts";
import { type KeyEncryptionKey, kekFingerprintOf } from "../keys/key-wrapping.ts";
import type { Driver } from "./sql/driver.ts";
import { fromKeyRow } from "./sql/mappers.ts";
import { appliedMigrations } from "./sql/migrate.ts";
import type { Schema } from "./sql/schema.ts";

/** Rows that are read and written at a time. */
const BATCH = 1000;

/** What is moved, and in which order of a unique column it is read, from where on. */
const TABLES = {
  keys: ["kid", ""],
  clients: ["client_id", ""],
  revocations: ["sequence", 0],
  sessions: ["sid", ""],
  refresh_tokens: ["hash", ""],
  counts: ["id", ""],
  audit: ["id", ""],
} as const satisfies Record<Exclude<keyof Schema, "state">, readonly [column: string, start: string | number]>;
type Table = keyof typeof TABLES;
const tables = Object.keys(TABLES) as Table[];

export type Moved = Record<Table, number>;

export type MoveOptions = {
  /** Encrypts the private keys that are not encrypted yet. Those that are must be by this one. Default: none is. */
  kek: KeyEncryptionKey | undefined;
};

/**
 * Copies all state from one database into another that has none yet, in one transaction: all of it
 * arrives or nothing. The source stays as it is. Throws a {@link StartError} where the target is in use, where the source
 * is of another release, and where a private key cannot be opened by the key-encryption key.
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
  for (const row of keys) wrapped.set(row.kid, (await kekFingerprints(kek, fromKeyRow(row))).privateJwk);
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

/** The source has a newer release's columns, or the target lacks them: what is in them would be lost. */
async function refuseOtherRelease(from: Kysely<Schema>, to: Kysely<Schema>): Promise<void> {
  const [theirs, ours] = await Promise.all([appliedMigrations(from), appliedMigrations(to)]);
  if (theirs.some((name) => !ours.includes(name)))
    throw new StartError("The database in MINTMARK_DATA is of a newer Mintmark than this one: move it by that one");
}

async function kekFingerprints(kek: KeyEncryptionKey | undefined, key: StoredKey): Promise<StoredKey> {
  if (key.killedAt !== undefined) return key;
  if (kek !== undefined && kekFingerprintOf(key.privateJwk) === "") return rewrapKey(key, undefined, kek);
  // Else a key that no server could use would be found out only when the embedded database is gone.
  await loadKeyPair(key, kek);
  return key;
}

/** Tokens and revocations are ordered by the numbers of the source, so those that come must be higher. */
async function replaceState(target: Transaction<Schema>, source: Schema["state"]): Promise<void> {
  // The lock that all changes take.
  const { issuer, revision } = await target.selectFrom("state").selectAll().forUpdate().executeTakeFirstOrThrow();
  for (const table of tables) {
    const row = await target.selectFrom(table).selectAll().limit(1).executeTakeFirst();
    const what = table === "keys" || table === "clients" ? "keys or clients" : table.replace("_", " ");
    if (row !== undefined) throw inUse(`has ${what}`);
  }
  if (issuer !== null) throw inUse("was opened by a server");
  const next = Math.max(source.revision, revision) + 1;
  await target
    .updateTable("state")
    .set({ ...source, revision: next, keys_revision: next, epoch: randomUUID() })
    .execute();
}

function inUse(why: string): StartError {
  return new StartError(`The database in DATABASE_URL ${why} already: name an empty one`);
}

/** All tables alike: what is copied row by row needs no column by name but the one it is read by. */
type Row = Record<string, string | number>;
type Tables = Record<Table, Row>;
/** A private key is never written in the clear, not even within the transaction: the log of the database would keep it. */
type Encrypt = (table: Table, row: Row) => Row;
type Copying = { source: Kysely<Tables>; copy: Kysely<Tables>; encrypt: Encrypt };

async function copyTable(table: Table, { source, copy, encrypt }: Copying): Promise<number> {
  const [column, start] = TABLES[table];
  let copied = 0;
  for (let after: string | number = start; ; ) {
    const rows = await source
      .selectFrom(table)
      .selectAll()
      .where(column, ">", after)
      .orderBy(column)
      .limit(BATCH)
      .execute();
    const last = rows.at(-1)?.[column];
    if (last === undefined) return copied;
    await copy
      .insertInto(table)
      .values(rows.map((row) => encrypt(table, row)))
      .execute();
    copied += rows.length;
    after = last;
  }
}
