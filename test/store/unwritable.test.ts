import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { sql } from "kysely";
import pino from "pino";
import { describe, expect, it, test, vi } from "vitest";
import { MintmarkError } from "../../src/errors.ts";
import { createTokenServer } from "../../src/index.ts";
import { createTokenService } from "../../src/service/service.ts";
import { createStore } from "../../src/store/sql/driver.ts";
import { openSqlite, openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { startInVain, startServer } from "../support/process.ts";
import { call, send } from "../support/request.ts";
import { ISSUER, temporaryFolder } from "../support/service.ts";
import { openSmallDisk } from "../support/small-disk.ts";

/** Longest time to detect, and to recover, in milliseconds. */
const SOON = 8000;

async function serve(store: Store) {
  const service = await createTokenService({ store, issuer: ISSUER });
  const server = await createTokenServer(service, { port: 0, logger: pino({ level: "silent" }) });
  return {
    url: server.origin,
    async [Symbol.asyncDispose]() {
      await server.close();
      await service.close().catch(() => {});
    },
  };
}

async function readiness(url: string): Promise<{ status: number; store: string }> {
  const { status, text } = await send(`${url}/readyz`);
  return { status, store: JSON.parse(text).checks.store };
}

const issue = async (url: string) => (await call(url, "getToken", { refreshable: true })).status;

const READY = { status: 200, store: "ok" };

/** Expects that issuance is refused, and that readiness reports the check. */
async function expectUnready(url: string, store: string): Promise<void> {
  await vi.waitFor(async () => expect(await readiness(url)).toEqual({ status: 503, store }), SOON);
  expect(await issue(url)).toBe(503);
  expect(await readiness(url)).toEqual({ status: 503, store });
}

async function expectReady(url: string): Promise<void> {
  await vi.waitFor(async () => expect(await readiness(url)).toEqual(READY), SOON);
  expect(await issue(url)).toBe(200);
}

const FILE = "mintmark.db";

/** Removes the files of a running server, and restores them. */
const REMOVALS: [
  name: string,
  remove: (data: string, aside: string) => void,
  restore: (data: string, aside: string) => void,
][] = [
  ["its data folder is moved away", renameSync, (data, aside) => renameSync(aside, data)],
  [
    "its database file is moved away",
    (data, aside) => renameSync(join(data, FILE), aside),
    (data, aside) => renameSync(aside, join(data, FILE)),
  ],
  [
    "its database file is replaced by a copy",
    (data, aside) => {
      renameSync(join(data, FILE), aside);
      copyFileSync(aside, join(data, FILE));
    },
    (data, aside) => renameSync(aside, join(data, FILE)),
  ],
  [
    "its write-ahead log is moved away",
    (data, aside) => renameSync(join(data, `${FILE}-wal`), aside),
    (data, aside) => renameSync(aside, join(data, `${FILE}-wal`)),
  ],
  [
    "its shared memory is moved away",
    (data, aside) => renameSync(join(data, `${FILE}-shm`), aside),
    (data, aside) => renameSync(aside, join(data, `${FILE}-shm`)),
  ],
  [
    "another folder takes the place of its own",
    (data, aside) => {
      renameSync(data, aside);
      mkdirSync(data);
    },
    (data, aside) => {
      rmSync(data, { recursive: true });
      renameSync(aside, data);
    },
  ],
];

describe("a server is not ready, issues nothing, and recovers,", () => {
  it.each(REMOVALS)("where %s", async (_name, remove, restore) => {
    using folder = temporaryFolder();
    const [data, aside] = [join(folder.path, "data"), join(folder.path, "aside")];
    await using server = await serve(await openSqliteStore(data));
    await expectReady(server.url);
    remove(data, aside);
    // The next write is refused already, not only those after a check.
    expect(await issue(server.url)).toBe(503);
    await expectUnready(server.url, "replaced");
    restore(data, aside);
    await expectReady(server.url);
  });

  it("where its data folder is deleted; a restart creates a new one", async () => {
    using folder = temporaryFolder();
    const data = join(folder.path, "data");
    {
      await using server = await serve(await openSqliteStore(data));
      rmSync(data, { recursive: true });
      await expectUnready(server.url, "replaced");
    }
    await using again = await serve(await openSqliteStore(data));
    await expectReady(again.url);
  });

  it("where its database may not grow any more", async () => {
    using folder = temporaryFolder();
    const driver = await openSqlite(folder.path);
    await using server = await serve(createStore(driver));
    const setLimit = (pages: number) => sql`pragma max_page_count = ${sql.lit(pages)}`.execute(driver.db);
    await setLimit(1);
    let status = 200;
    for (let issued = 0; issued < 500 && status === 200; issued += 1) status = await issue(server.url);
    expect(status).toBe(503);
    expect((await readiness(server.url)).status).toBe(503);
    await setLimit(1_000_000);
    await expectReady(server.url);
  });
});

/** Overwrites the bytes of a file from an offset, without changing its length. */
function overwrite(file: string, from: number): void {
  execFileSync("dd", [
    ...["if=/dev/urandom", `of=${file}`, "bs=1", "conv=notrunc", "status=none"],
    ...[`seek=${from}`, `count=${statSync(file).size - from}`],
  ]);
}

/** Damage to the database file by another program while the server runs. */
const DAMAGES: [name: string, damage: (file: string) => void][] = [
  ["overwritten", (file) => overwrite(file, 0)],
  ["overwritten by a text", (file) => writeFileSync(file, "no database")],
  [
    "overwritten in its header",
    (file) => execFileSync("dd", ["if=/dev/zero", `of=${file}`, "bs=16", "count=1", "conv=notrunc", "status=none"]),
  ],
  ["made empty", (file) => truncateSync(file, 0)],
  ["cut to its half", (file) => truncateSync(file, Math.floor(statSync(file).size / 2))],
  ["cut short by one page", (file) => truncateSync(file, statSync(file).size - 4096)],
  [
    "overwritten with its log and its shared memory",
    (file) => {
      for (const end of ["", "-wal", "-shm"]) overwrite(`${file}${end}`, 0);
    },
  ],
  [
    "made empty with its log",
    (file) => {
      for (const end of ["", "-wal"]) truncateSync(`${file}${end}`, 0);
    },
  ],
];

describe("a server is not ready, and issues nothing,", () => {
  it.each(DAMAGES)(
    "where its database file is %s beneath it; readiness says why, until it is started again",
    async (_, damage) => {
      using folder = temporaryFolder();
      const file = join(folder.path, FILE);
      // Closed once: its rows are in the file, not in the write-ahead log only.
      await (await openSqliteStore(folder.path)).close();
      copyFileSync(file, `${file}.backup`);
      {
        await using server = await serve(await openSqliteStore(folder.path));
        await expectReady(server.url);
        damage(file);
        expect(await issue(server.url)).toBe(500);
        for (const _again of [1, 2]) {
          await vi.waitFor(
            async () => expect(await readiness(server.url)).toEqual({ status: 503, store: "damaged" }),
            SOON,
          );
          expect(await issue(server.url)).toBe(500);
        }
      }
      for (const end of ["", "-wal", "-shm"]) rmSync(`${file}${end}`, { force: true });
      copyFileSync(`${file}.backup`, file);
      await using again = await serve(await openSqliteStore(folder.path));
      await expectReady(again.url);
    },
  );

  it("where a damaged page is read by some calls only", async () => {
    using folder = temporaryFolder();
    const store = await openSqliteStore(folder.path);
    const damaged = new MintmarkError("internal_error", {
      cause: Object.assign(new Error(), { code: "SQLITE_CORRUPT" }),
    });
    await using server = await serve({ ...store, findGrant: () => Promise.reject(damaged) });
    await expectReady(server.url);
    expect((await call(server.url, "refreshToken", { refreshToken: "A".repeat(43) })).status).toBe(500);
    expect(await readiness(server.url)).toEqual({ status: 503, store: "damaged" });
  });
});

function canMount(): boolean {
  using disk = openSmallDisk(1);
  return disk.canBeFull;
}
const isAllowed = canMount();
const withMounts = isAllowed ? test : test.skip;
const why = isAllowed ? "" : " (no right to mount file systems: skipped)";

describe("on a disk of its own", () => {
  withMounts(`a server whose disk is full is not ready, issues nothing, and heals by itself${why}`, async () => {
    using disk = openSmallDisk(4);
    await using server = await serve(await openSqliteStore(join(disk.path, "data")));
    await expectReady(server.url);
    disk.fill();
    let status = 200;
    for (let issued = 0; issued < 500 && status === 200; issued += 1) status = await issue(server.url);
    await expectUnready(server.url, "not_writable");
    disk.empty();
    await expectReady(server.url);
  });

  withMounts(`a server whose disk is full does not start${why}`, async () => {
    using disk = openSmallDisk(4);
    disk.fill();
    const ended = await startInVain({ PORT: "0", MINTMARK_DATA: join(disk.path, "other") });
    disk.empty();
    expect(ended).toMatchObject({
      code: 1,
      message: expect.stringMatching(/^[^\n]+ \(\w*(FULL|ENOSPC|IOERR\w*)\): [^\n]+$/),
    });
  });
});

describe("a server does not start, in one line,", () => {
  it("where there is a write-ahead log without its database, and leaves it unchanged", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, `${FILE}-wal`), "of another database");
    const failed = openSqliteStore(folder.path);
    await expect(failed).rejects.toThrow(/^The database [^\n]+ cannot be opened \(ENOENT\): [^\n]+$/);
    expect(readdirSync(folder.path)).not.toContain(FILE);
  });

  withMounts(`where its file system is read-only, with a database or without${why}`, async () => {
    using folder = temporaryFolder();
    using readOnly = temporaryFolder();
    await (await openSqliteStore(join(folder.path, "data"))).close();
    execFileSync("mount", ["--bind", folder.path, readOnly.path]);
    try {
      execFileSync("mount", ["-o", "remount,bind,ro", readOnly.path]);
      for (const name of ["data", "new"]) {
        const ended = await startInVain({ PORT: "0", MINTMARK_DATA: join(readOnly.path, name) });
        const message = expect.stringMatching(/^[^\n]+ \((EROFS|ENOENT|SQLITE_\w+)\): [^\n]+$/);
        expect(ended).toMatchObject({ code: 1, message });
      }
    } finally {
      execFileSync("umount", [readOnly.path]);
    }
  });
});

describePostgres("a server whose PostgreSQL is read-only", () => {
  /** As after a failover: read-only, without the earlier connections. */
  async function makeReadOnly(url: string, readOnly: boolean): Promise<void> {
    const name = new URL(url).pathname.slice(1);
    const others = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}' and pid <> pg_backend_pid()`;
    const setting = readOnly ? "set default_transaction_read_only = on" : "reset default_transaction_read_only";
    await sharedPostgres.query(
      `begin; set local transaction_read_only = off; alter database ${name} ${setting}; commit`,
      url,
    );
    await sharedPostgres.query(others, url);
  }
  const environmentFor = (url: string) => ({ PORT: "0", DATABASE_URL: url, MINTMARK_KEK: "none" });

  it("is not ready, issues nothing, and recovers; it does not start", async () => {
    const url = await sharedPostgres.newDatabase();
    await using server = await startServer(environmentFor(url));
    await expectReady(server.origin);
    await makeReadOnly(url, true);
    await expectUnready(server.origin, "not_writable");
    expect(await startInVain(environmentFor(url))).toMatchObject({
      code: 1,
      message: expect.stringMatching(/^The database in DATABASE_URL cannot be used \(25006\): it is read-only[^\n]*$/),
    });
    await makeReadOnly(url, false);
    await expectReady(server.origin);
  });

  it("is not ready if it cannot write for another reason, such as a missing table, and recovers", async () => {
    const url = await sharedPostgres.newDatabase();
    await using server = await startServer(environmentFor(url));
    await expectReady(server.origin);
    await sharedPostgres.query("alter table audit rename to audit_gone", url);
    await vi.waitFor(async () => expect((await readiness(server.origin)).store).toBe("not_writable"), SOON);
    await sharedPostgres.query("alter table audit_gone rename to audit", url);
    await expectReady(server.origin);
  });
});
