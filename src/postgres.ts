export { openPostgresStore } from "./store/postgres/postgres.ts";
export type { Store } from "./store/store.ts";
