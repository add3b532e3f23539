import { randomUUID } from "node:crypto";
import type { Kysely } from "kysely";
import { StartError } from "../errors.ts";
import type { Driver } from "./driver.ts";

/** Rows that are read and written at a time. */
const BATCH = 1000;

/** What is moved, and in which order of a unique column it is read, from where on. */
const TABLES = {
  keys: ["kid", ""],
  clients: ["client_id", ""],
  revocations: ["sequence", 0],
  sessions: ["sid", ""],
  refresh_tokens: ["hash", ""],
  audit: ["id", ""],
} as const;
type Table = keyof typeof TABLES;
const tables = Object.keys(TABLES) as Table[];

export type Moved = Record<Table, number>;

/**
 * Copies all state from one database into another that has none yet, in one transaction: all of it
 * arrives or nothing. The source stays as it is. Throws a {@link StartError} where the target is in use.
 */
export async function moveState(from: Pick<Driver, "db">, to: Pick<Driver, "db">): Promise<Moved> {
  const { revision, ...settings } = await from.db
    .selectFrom("state")
    .select(["revision", "longest_lifetime", "issuer", "audience", "alg", "secret_kid"])
    .executeTakeFirstOrThrow();
  return to.db.transaction().execute(async (target) => {
    // Tokens and revocations are ordered by the numbers of the source, so those that come must be higher.
    await target
      .updateTable("state")
      .set(({ eb }) => ({ revision: eb("revision", "+", revision + 1), epoch: randomUUID(), ...settings }))
      .execute();
    for (const table of ["keys", "clients"] as const) {
      const row = await target.selectFrom(table).selectAll().limit(1).executeTakeFirst();
      if (row !== undefined)
        throw new StartError("The database in DATABASE_URL has keys or clients already: name an empty one");
    }
    const [source, copy] = [from.db, target] as unknown as [Kysely<Tables>, Kysely<Tables>];
    const moved: [Table, number][] = [];
    for (const table of tables) moved.push([table, await copyTable(table, source, copy)]);
    return Object.fromEntries(moved) as Moved;
  });
}

/** All tables alike: what is copied row by row needs no column by name but the one it is read by. */
type Tables = Record<Table, Record<string, string | number>>;

async function copyTable(table: Table, from: Kysely<Tables>, to: Kysely<Tables>): Promise<number> {
  const [column, start] = TABLES[table];
  let copied = 0;
  for (let after: string | number = start; ; ) {
    const rows = await from
      .selectFrom(table)
      .selectAll()
      .where(column, ">", after)
      .orderBy(column)
      .limit(BATCH)
      .execute();
    const last = rows.at(-1)?.[column];
    if (last === undefined) return copied;
    await to.insertInto(table).values(rows).execute();
    copied += rows.length;
    after = last;
  }
}
