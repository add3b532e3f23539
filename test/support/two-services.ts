import { createTokenService, type TokenService } from "../../src/service/service.ts";
import { openPostgresStore } from "../../src/store/postgres/postgres.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { sharedPostgres } from "./postgres.ts";
import { ISSUER, NOW, temporaryFolder } from "./service.ts";

type Wrap = (store: Store) => Store;
export type TwoOptions = { open?: boolean; wrap?: Wrap };
export type TwoServices = Awaited<ReturnType<typeof serveOn>>;

/** Two services on one embedded database. Their connection is one: two in one process would wait for each other. */
export async function openTwoOnSqlite(options: TwoOptions = {}): Promise<TwoServices> {
  const folder = temporaryFolder();
  const store = await openSqliteStore(folder.path);
  return serveOn([store, { ...store, close: async () => {} }], { ...options, end: () => folder[Symbol.dispose]() });
}

/** Two services on one PostgreSQL, each with its own connections. */
export async function openTwoOnPostgres(options: TwoOptions = {}): Promise<TwoServices> {
  const url = await sharedPostgres.newStoreDatabase();
  const stores: [Store, Store] = [await openPostgresStore(url), await openPostgresStore(url)];
  return serveOn(stores, { ...options, end: () => {} });
}

/** Their clocks are stopped at {@link NOW}. */
async function serveOn(
  stores: [Store, Store],
  { open = false, wrap = (store) => store, end }: TwoOptions & { end: () => void },
) {
  const clock = { now: NOW };
  const start = (store: Store): Promise<TokenService> =>
    createTokenService({ store: wrap(store), open, issuer: ISSUER, clock: () => clock.now });
  const here = await start(stores[0]);
  const there = await start(stores[1]);
  return {
    clock,
    here,
    there,
    async [Symbol.asyncDispose]() {
      // The embedded connection is that of the first.
      await there.close();
      await here.close();
      end();
    },
  };
}
