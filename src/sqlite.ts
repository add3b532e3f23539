export { openSqliteStore, type SqliteOptions } from "./store/sqlite.ts";
export type { Store } from "./store/store.ts";
