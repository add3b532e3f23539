import { StartError } from "../errors.ts";
import { errorCode } from "./folder.ts";
import type { PostgresOptions } from "./postgres.ts";
import type { SqliteOptions } from "./sqlite.ts";
import type { Store } from "./store.ts";

/** Opens the embedded database, as `openSqliteStore` of `mintmark/sqlite` does. Its driver is loaded now, and not before. */
export async function openSqliteStore(folder: string, options?: SqliteOptions): Promise<Store> {
  const door = await import("./sqlite.ts").catch(refuseWithout("libsql"));
  return door.openSqliteStore(folder, options);
}

/** Opens a PostgreSQL database, as `openPostgresStore` of `mintmark/postgres` does. Its driver is loaded now, and not before. */
export async function openPostgresStore(url: string, options?: Pick<PostgresOptions, "guest">): Promise<Store> {
  const door = await import("./postgres.ts").catch(refuseWithout("pg"));
  return door.openPostgresStore(url, options);
}

/** Whoever only verifies may have left the databases out when installing. */
function refuseWithout(driver: string): (error: unknown) => never {
  return (error) => {
    if (!errorCode(error).endsWith("MODULE_NOT_FOUND")) throw error;
    throw new StartError(`The package ${driver} is missing: npm install ${driver}`);
  };
}
