import type { Store } from "../../src/store/store.ts";

/** Where a database is: a folder of SQLite's, which other processes may share, or a PostgreSQL URL. */
export type StoreAddress = { folder: string; shared: boolean } | { url: string };

/** Opens the store at an address. The PostgreSQL driver is loaded only where it is wanted, as the server does. */
export async function openStoreAt(address: StoreAddress): Promise<Store> {
  if ("url" in address) return (await import("../../src/store/postgres/postgres.ts")).openPostgresStore(address.url);
  const { openSqliteStore } = await import("../../src/store/sqlite/sqlite.ts");
  return openSqliteStore(address.folder, { shared: address.shared });
}
