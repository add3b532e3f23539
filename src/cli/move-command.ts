import { join, resolve } from "node:path";
import { Command } from "commander";
import { StartError } from "../errors.ts";
import { readConfig } from "../program/config.ts";
import { requireSqliteDriver } from "../program/native.ts";
import type { Milliseconds } from "../time.ts";
import { print, reportFailure } from "./run.ts";

/** One transaction copies all state. */
const MOVE_LIMIT_MS: Milliseconds = 3_600_000;

export function moveCommand(): Command {
  return new Command("move")
    .description("copy all state of the embedded database in MINTMARK_DATA to the PostgreSQL in DATABASE_URL")
    .addHelpText(
      "after",
      "\nStop the server first; the embedded database stays as it is. The copies of the private keys are encrypted with MINTMARK_KEK, unless it is none.\n\nExample:\n  DATABASE_URL=postgres://… MINTMARK_KEK=… mintmark move",
    )
    .action(() => reportFailure(move));
}

async function move(): Promise<void> {
  const { data, databaseUrl, kek } = readConfig();
  if (databaseUrl === undefined)
    throw new StartError("DATABASE_URL must be set: it names the database that receives the state");
  requireSqliteDriver();
  const [{ moveState }, { openPostgres }, { FILE, openSqlite }, { markMoved }] = await Promise.all([
    import("../store/move.ts"),
    import("../store/postgres/postgres.ts"),
    import("../store/sqlite/sqlite.ts"),
    import("../store/sqlite/moved.ts"),
  ]);
  const from = await openSqlite(data, { guest: true });
  const to = await openPostgres(databaseUrl, { limit: MOVE_LIMIT_MS }).catch(async (error: unknown) => {
    await from.close();
    throw error;
  });
  try {
    const { keys, clients, sessions, revocations, audit } = await moveState(from, to, { kek });
    markMoved(join(resolve(data), FILE));
    const counts = `${keys} keys, ${clients} clients, ${sessions} sessions, ${revocations} revocations`;
    print(`moved ${counts} and ${audit} audit records`);
  } finally {
    await to.close();
    await from.close();
  }
}
