import type { Store } from "../../src/store/store.ts";

/** A SQLite folder, which other processes may share, or a PostgreSQL URL. */
export type StoreAddress = { folder: string; shared: boolean } | { url: string };

/** Opens the store at an address. Loads only the driver that it needs. */
export async function openStoreAt(address: StoreAddress): Promise<Store> {
  if ("url" in address) return (await import("../../src/store/postgres/postgres.ts")).openPostgresStore(address.url);
  const { openSqliteStore } = await import("../../src/store/sqlite/sqlite.ts");
  return openSqliteStore(address.folder, { shared: address.shared });
}
