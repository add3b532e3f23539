export { openPostgresStore } from "./store/postgres.ts";
export type { Store } from "./store/store.ts";
