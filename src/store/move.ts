import type { Kysely } from "kysely";
import { StartError } from "../errors.ts";
import type { Driver } from "./driver.ts";

/** Rows that are read and written at a time. */
const BATCH = 1000;

/** What is moved, and in which order of a unique column it is read. */
const TABLES = { keys: "kid", clients: "client_id", audit: "id" } as const;
type Table = keyof typeof TABLES;

export type Moved = Record<Table, number>;

/**
 * Copies all state from one database into another that has none yet, in one transaction: all of it
 * arrives or nothing. The source stays as it is. Throws a {@link StartError} where the target is in use.
 */
export async function moveState(from: Pick<Driver, "db">, to: Pick<Driver, "db">): Promise<Moved> {
  return to.db.transaction().execute(async (target) => {
    await target
      .updateTable("state")
      .set(({ eb }) => ({ revision: eb("revision", "+", 1) }))
      .execute();
    for (const table of ["keys", "clients"] as const) {
      const row = await target.selectFrom(table).selectAll().limit(1).executeTakeFirst();
      if (row !== undefined)
        throw new StartError("The database in DATABASE_URL has keys or clients already: name an empty one");
    }
    const copy = (table: Table) =>
      copyTable(table, from.db as unknown as Kysely<Tables>, target as unknown as Kysely<Tables>);
    return { keys: await copy("keys"), clients: await copy("clients"), audit: await copy("audit") };
  });
}

/** All tables alike: what is copied row by row needs no column by name but the one it is read by. */
type Tables = Record<Table, Record<string, string>>;

async function copyTable(table: Table, from: Kysely<Tables>, to: Kysely<Tables>): Promise<number> {
  const column = TABLES[table];
  let copied = 0;
  for (let after = ""; ; ) {
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
