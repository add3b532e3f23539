import { Command } from "commander";
import { StartError } from "../errors.ts";
import { readConfig } from "../program/config.ts";
import { requireSqliteDriver } from "../program/native.ts";
import { print, reportFailure } from "./run.ts";

export function backupCommand(): Command {
  const command = new Command("backup")
    .description("copy the embedded database in MINTMARK_DATA to a new file; the server may run meanwhile")
    .argument("<file>", "the new file")
    .addHelpText("after", "\nBack up PostgreSQL with pg_dump.\n\nExample:\n  mintmark backup /var/backups/mintmark.db");
  return command.action((file: string) => reportFailure(() => backup(file)));
}

async function backup(file: string): Promise<void> {
  const { data, databaseUrl } = readConfig();
  if (databaseUrl !== undefined)
    throw new StartError("DATABASE_URL names a PostgreSQL database: back it up with pg_dump");
  requireSqliteDriver();
  const { backUp } = await import("../store/sqlite/backup.ts");
  backUp(data, file);
  print(`copied to ${file}`);
}
