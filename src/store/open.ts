import { refuseWithout } from "./missing-package.ts";
import type { PostgresOptions } from "./postgres/postgres.ts";
import type { SqliteOptions } from "./sqlite/sqlite.ts";
import type { Store } from "./store.ts";

/** Opens the embedded database; see `openSqliteStore` of `mintmark/sqlite`. Loads the driver on the first call. */
export async function openSqliteStore(folder: string, options?: SqliteOptions): Promise<Store> {
  const driver = await import("./sqlite/sqlite.ts").catch(refuseWithout("libsql"));
  return driver.openSqliteStore(folder, options);
}

/** Opens a PostgreSQL database; see `openPostgresStore` of `mintmark/postgres`. Loads the driver on the first call. */
export async function openPostgresStore(url: string, options?: Omit<PostgresOptions, "limit">): Promise<Store> {
  const driver = await import("./postgres/postgres.ts").catch(refuseWithout("pg"));
  return driver.openPostgresStore(url, options);
}
