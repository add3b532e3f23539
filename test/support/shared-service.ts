import { join } from "node:path";
import Database from "libsql";
import type { TokenServiceOptions } from "../../src/service/options.ts";
import { createTokenService } from "../../src/service/service.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { ISSUER, NOW, temporaryFolder } from "./service.ts";

type Options = Omit<TokenServiceOptions, "store" | "clock"> & {
  /** Puts something between the service and its store. */
  wrap?: (store: Store) => Store;
};

/**
 * A service for clients alone, with its clock stopped, on a store that a second service can be opened
 * on, and that can be read past both.
 */
export async function openSharedService({ wrap = (store) => store, ...options }: Options = {}) {
  const folder = temporaryFolder();
  const store = wrap(await openSqliteStore(folder.path));
  const clock = { now: NOW };
  const open = (store: Store) =>
    createTokenService({ open: false, issuer: ISSUER, ...options, store, clock: () => clock.now });
  const service = await open(store);
  return {
    service,
    clock,
    /**
     * Opens another service, which has nothing but the store in common with the first. It is no second
     * connection to the database: two of them, in one process, would wait for each other.
     */
    async openSecond() {
      const second = await open({ ...store, close: async () => {} });
      return { service: second, [Symbol.asyncDispose]: second.close };
    },
    /** All rows of a table as they are stored. */
    rows(table: "audit" | "clients"): Record<string, unknown>[] {
      const database = new Database(join(folder.path, "mintmark.db"), { readonly: true });
      try {
        return database.prepare(`select * from ${table}`).all() as Record<string, unknown>[];
      } finally {
        database.close();
      }
    },
    async [Symbol.asyncDispose]() {
      await service.close();
      folder[Symbol.dispose]();
    },
  };
}
