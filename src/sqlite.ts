export { openSqliteStore, type SqliteOptions } from "./store/sqlite/sqlite.ts";
export type { Store } from "./store/store.ts";
