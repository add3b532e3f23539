import { StartError } from "../errors.ts";
import type { Config } from "../program/config.ts";
import { requireSqliteDriver } from "../program/native.ts";
import type { Store } from "../store/store.ts";

/**
 * Opens the data that the configuration names, beside a server that may run on it, and creates nothing. Undefined where there
 * is none yet. Throws a {@link StartError} where it cannot be used.
 */
export async function openGuestStore(
  config: Config,
  onNotice: (sentence: string) => void = () => {},
): Promise<Store | undefined> {
  const { openStore } = await import("../program/compose.ts");
  try {
    return await openStore(config, { guest: true, shared: true, onNotice });
  } catch (error) {
    if (error instanceof StartError && error.message === (await noDataMessage(config))) return undefined;
    throw error;
  }
}

async function noDataMessage({ data, databaseUrl }: Config): Promise<string> {
  if (databaseUrl !== undefined) return (await import("../store/sql/migrate.ts")).missingTables().message;
  requireSqliteDriver();
  return (await import("../store/sqlite/sqlite.ts")).noDatabase(data).message;
}
