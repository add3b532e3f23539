import { join } from "node:path";
import Database from "libsql";
import { type OpenOptions, openService } from "./service.ts";

/** A service for clients alone, on a store that a second service can be opened on and whose rows can be read. */
export async function openSharedService(options: OpenOptions = {}) {
  const opened = await openService({ open: false, ...options });
  return {
    ...opened,
    /** Opens another service on the same store: two connections to the database, in one process, would wait for each other. */
    async openSecond() {
      const { service } = await opened.open({ ...opened.store, close: async () => {} });
      return { service, [Symbol.asyncDispose]: service.close };
    },
    /** All rows of a table as they are stored. */
    rows(table: "audit" | "clients"): Record<string, unknown>[] {
      const database = new Database(join(opened.folder, "data", "mintmark.db"), { readonly: true });
      try {
        return database.prepare(`select * from ${table}`).all() as Record<string, unknown>[];
      } finally {
        database.close();
      }
    },
  };
}
