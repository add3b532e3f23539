import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import type { ServerOptions } from "../../src/http/options.ts";
import { createTokenServer, type RunningServer } from "../../src/index.ts";
import type { TokenServiceOptions } from "../../src/service/options.ts";
import { createTokenService } from "../../src/service/service.ts";
import { FILE, openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import type { AnyClaims, ClaimsSchema } from "../../src/token/claims.ts";
import { createFetchServer } from "./fetch-server.ts";

/** The time of frozen tests: 2100-01-01T00:00:00Z, later than any run. */
export const NOW = 4102444800;

export const ISSUER = "http://127.0.0.1:3000";

/** In memory on Linux: syncs of a database cost nothing there. */
const IN_MEMORY = "/dev/shm";
const ROOM = 2 ** 30;

function fastFolder(): string {
  try {
    accessSync(IN_MEMORY, constants.W_OK);
    const { bavail, bsize } = statfsSync(IN_MEMORY);
    return bavail * bsize > ROOM ? IN_MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}

/** A folder that is gone at the end of its block. */
export function temporaryFolder() {
  const path = mkdtempSync(join(fastFolder(), "mintmark-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Makes the data of a service in a folder, as the first start of a server does. */
export async function makeData(folder: string, options: TokenServiceOptions = {}): Promise<void> {
  const service = await createTokenService({ ...options, store: await openSqliteStore(folder) });
  await service.close();
}

let emptyDatabase: Promise<Uint8Array> | undefined;

/** A database with the schema and no content: a copy takes a tenth of the time of the migrations. */
async function makeEmptyDatabase(): Promise<Uint8Array> {
  using folder = temporaryFolder();
  await (await openSqliteStore(folder.path)).close();
  return readFileSync(join(folder.path, FILE));
}

/** Puts an empty database into a new folder. */
async function putEmptyDatabase(folder: string): Promise<void> {
  emptyDatabase ??= makeEmptyDatabase();
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(folder, FILE), await emptyDatabase, { mode: 0o600 });
}

export type OpenOptions<Schema extends ClaimsSchema = AnyClaims> = TokenServiceOptions<Schema> & {
  /** Puts something between the service and its store. */
  wrap?: (store: Store) => Store;
};

/** A real service on a real database in a new folder, with its clock stopped at {@link NOW}. */
export async function openService<Schema extends ClaimsSchema = AnyClaims>({
  wrap = (store) => store,
  ...options
}: OpenOptions<Schema> = {}) {
  const folder = temporaryFolder();
  const clock = { now: NOW };
  await putEmptyDatabase(join(folder.path, "data"));
  const common = { clock: () => clock.now, issuer: ISSUER };
  const openStore = async () => wrap(await openSqliteStore(join(folder.path, "data")));
  /** Opens a service on a store; by default on the same data, after it was closed. */
  const open = async (given?: Store) => {
    const store = given ?? (await openStore());
    const service = await createTokenService({ store, ...common, ...options } as TokenServiceOptions<Schema>);
    return { service, store };
  };
  const { service, store } = await open();
  return {
    service,
    store,
    clock,
    folder: folder.path,
    open,
    async [Symbol.asyncDispose]() {
      await service.close();
      folder[Symbol.dispose]();
    },
  };
}

const EDGES = { node: createTokenServer, fetch: createFetchServer };

/** What serves HTTP: a request listener of `node:http`, or a fetch handler. */
export type Edge = keyof typeof EDGES;

/** Of `node:http`; for a run of all tests of the edge on the other handler, by fetch. */
const DEFAULT_EDGE: Edge = process.env.MINTMARK_TEST_EDGE === "fetch" ? "fetch" : "node";

/** The same behind a real HTTP server on a free port. */
export async function openServer<Schema extends ClaimsSchema = AnyClaims>(
  options: OpenOptions<Schema> = {},
  { edge = DEFAULT_EDGE, ...server }: ServerOptions<Schema> & { edge?: Edge } = {},
) {
  const opened = await openService(options);
  const logger = pino({ level: "silent" });
  const running: RunningServer = await EDGES[edge](opened.service, { port: 0, logger, ...server });
  return {
    ...opened,
    url: running.origin,
    async [Symbol.asyncDispose]() {
      await running.close();
      await opened[Symbol.asyncDispose]();
    },
  };
}
