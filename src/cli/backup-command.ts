import { Command } from "commander";
import { StartError } from "../errors.ts";
import { readConfig } from "../program/config.ts";
import { requireSqliteDriver } from "../program/native.ts";
import { print, reportFailure } from "./run.ts";

export function backupCommand(): Command {
  const command = new Command("backup")
    .description("copy the embedded database in MINTMARK_DATA into a new file; the server may go on meanwhile")
    .argument("<file>", "the file to make")
    .addHelpText("after", "\nOf PostgreSQL pg_dump makes one.\n\nExample:\n  mintmark backup /var/backups/mintmark.db");
  return command.action((file: string) => reportFailure(() => backup(file)));
}

async function backup(file: string): Promise<void> {
  const { data, databaseUrl } = readConfig();
  if (databaseUrl !== undefined)
    throw new StartError("The state is in the PostgreSQL that DATABASE_URL names: pg_dump copies it");
  requireSqliteDriver();
  const { backUp } = await import("../store/sqlite/backup.ts");
  backUp(data, file);
  print(`copied to ${file}`);
}
