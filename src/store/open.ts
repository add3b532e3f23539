import { refuseWithout } from "./missing-package.ts";
import type { PostgresOptions } from "./postgres/postgres.ts";
import type { SqliteOptions } from "./sqlite/sqlite.ts";
import type { Store } from "./store.ts";

/** Opens the embedded database, as `openSqliteStore` of `mintmark/sqlite` does. Its driver is loaded now, and not before. */
export async function openSqliteStore(folder: string, options?: SqliteOptions): Promise<Store> {
  const door = await import("./sqlite/sqlite.ts").catch(refuseWithout("libsql"));
  return door.openSqliteStore(folder, options);
}

/** Opens a PostgreSQL database, as `openPostgresStore` of `mintmark/postgres` does. Its driver is loaded now, and not before. */
export async function openPostgresStore(url: string, options?: Omit<PostgresOptions, "limit">): Promise<Store> {
  const door = await import("./postgres/postgres.ts").catch(refuseWithout("pg"));
  return door.openPostgresStore(url, options);
}
