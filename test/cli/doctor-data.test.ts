import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { describe, expect, it, test } from "vitest";
import { assessClock, assessDatabase, assessFolder } from "../../src/cli/doctor/assess-data.ts";
import { examine } from "../../src/cli/doctor/examine.ts";
import type { Check } from "../../src/cli/doctor/finding.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { createTokenService } from "../../src/service/service.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { mintmark } from "../support/command.ts";
import { type Environment, engines, findingOf, SECRET, startService, withData } from "../support/doctor.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { freePort } from "../support/process.ts";
import { temporaryFolder } from "../support/service.ts";
import { openSmallDisk } from "../support/small-disk.ts";

const DAY = 86_400_000;

describe("folder", () => {
  it("warns that others could read it, once: opening it restricts it", async () => {
    using stopped = await withData();
    chmodSync(stopped.data, 0o755);
    expect(await findingOf("folder", stopped.environment)).toMatchObject({
      state: "warn",
      message: `${stopped.data} was accessible to other users until this command restricted it`,
    });
    expect(statSync(stopped.data).mode & 0o777).toBe(0o700);
    expect(await findingOf("folder", stopped.environment)).toMatchObject({ state: "ok" });
  });

  it("warns that all users can read what belongs to another user", () => {
    expect(assessFolder({ folder: "/d", before: [], after: ["/d/mintmark.db"] })).toMatchObject({
      state: "warn",
      remedy: "let its owner run  chmod -R o-rwx /d",
    });
  });
});

const canMount = () => {
  using disk = openSmallDisk(1);
  return disk.canBeFull;
};
const withMounts = canMount() ? test : test.skip;

describe("database", () => {
  it("fails where the file is no database", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "mintmark.db"), "not a database".repeat(100));
    expect(await findingOf("database", { MINTMARK_DATA: folder.path })).toMatchObject({ state: "fail" });
  });

  it("fails where an earlier release made the schema, and no other check uses the data", async () => {
    using stopped = await withData();
    const database = new Database(join(stopped.data, "mintmark.db"));
    database.exec("delete from mintmark_migration where name = (select max(name) from mintmark_migration)");
    database.close();
    const findings = await examine({ environment: stopped.environment, engines });
    expect(findings).toContainEqual({
      check: "database",
      state: "fail",
      message: "The database has the schema of an earlier Mintmark release",
      remedy: "start the server of this release first",
    });
    expect(findings.find(({ check }) => check === "keys")).toMatchObject({ state: "warn" });
  });

  it("fails where the folder holds other files", async () => {
    using stopped = await withData();
    writeFileSync(join(stopped.data, "notes.txt"), "");
    expect(await findingOf("database", stopped.environment)).toMatchObject({
      state: "fail",
      remedy: "name an empty folder or a new one",
    });
  });

  withMounts("fails where its disk is read-only", async () => {
    using stopped = await withData();
    using readOnly = temporaryFolder();
    execFileSync("mount", ["--bind", stopped.data, readOnly.path]);
    try {
      execFileSync("mount", ["-o", "remount,bind,ro", readOnly.path]);
      const environment = { ...stopped.environment, MINTMARK_DATA: readOnly.path };
      const { status, stdout } = await mintmark(["doctor", "--json"], { environment });
      expect(status).toBe(1);
      expect(JSON.parse(stdout)).toContainEqual({
        check: "database",
        state: "fail",
        message: expect.stringMatching(/ \((EROFS|SQLITE_\w+)\)/),
        remedy: expect.stringMatching(/writ/),
      });
    } finally {
      execFileSync("umount", [readOnly.path]);
    }
  });

  withMounts("fails where its disk is full while a server runs", async () => {
    using disk = openSmallDisk(4);
    const MINTMARK_DATA = join(disk.path, "data");
    mkdirSync(MINTMARK_DATA);
    const service = await createTokenService({ store: await openSqliteStore(MINTMARK_DATA) });
    disk.fill();
    const database = new Database(join(MINTMARK_DATA, "mintmark.db"));
    expect(await findingOf("database", { MINTMARK_DATA, PORT: await freePort() })).toMatchObject({ state: "fail" });
    database.close();
    disk.empty();
    await service.close();
  });

  it("warns where it is slow, and of what a server would log about it", () => {
    const evidence = { place: "MINTMARK_DATA", ms: 1, fault: undefined, notices: [] };
    expect(assessDatabase({ ...evidence, ms: 300 })).toMatchObject({ state: "warn" });
    const notices = ["The database has the encoding LATIN1: move it to a database with the encoding UTF8"];
    expect(assessDatabase({ ...evidence, notices })).toMatchObject({
      state: "warn",
      remedy: "move it to a database with the encoding UTF8",
    });
    expect(assessDatabase({ ...evidence, fault: "It is full: free space" })).toMatchObject({ state: "fail" });
  });
});

describe("keys", () => {
  const kek = Buffer.alloc(32, 1);
  const other = Buffer.alloc(32, 2).toString("base64url");

  it.each([
    ["were encrypted with another key-encryption key", [{ kek }, { MINTMARK_KEK: other }], "set that one"],
    ["are encrypted, without a key-encryption key", [{ kek }, {}], /^set MINTMARK_KEK to the key/],
    ["are not encrypted, with one", [{}, { MINTMARK_KEK: other }], /^run {2}mintmark keys rewrap/],
  ] as const)("fail where they %s", async (_, [options, environment], remedy) => {
    using stopped = await withData(options);
    const finding = await findingOf("keys", { ...stopped.environment, ...environment });
    expect(finding).toMatchObject({ state: "fail", remedy: expect.stringMatching(remedy) });
  });

  it("are ok until a rotation is overdue, which fails", async () => {
    using stopped = await withData();
    const at = (days: number) =>
      findingOf("keys", stopped.environment, { now: () => Date.now() + days * DAY }).then((finding) => finding?.state);
    expect([await at(0), await at(29.9), await at(30)]).toEqual(["ok", "ok", "fail"]);
    const soon = { ...stopped.environment, MINTMARK_ROTATION: "1320" };
    const late = await findingOf("keys", soon, { now: () => Date.now() + 1000 * (1320 - 660 + 200) });
    expect(late).toMatchObject({ state: "fail", message: expect.stringMatching(/^The next key is overdue/) });
  });

  it("are ok with the next one published", async () => {
    using stopped = await withData();
    const service = await createTokenService({ store: await openSqliteStore(stopped.data) });
    await service.keys.rotate(localCaller, { immediate: false });
    await service.close();
    expect(await findingOf("keys", stopped.environment)).toMatchObject({
      state: "ok",
      message: expect.stringMatching(/signs, 2 published; the next key is published and signs from \d{4}-/),
    });
  });

  it("warn where the data is that of another shared secret, or of key pairs", async () => {
    using secret = await withData({ secret: SECRET });
    using pairs = await withData();
    const stateOf = async (environment: Environment) => (await findingOf("keys", environment))?.state;
    expect(await stateOf({ ...secret.environment, MINTMARK_SECRET: SECRET })).toBe("ok");
    expect(await stateOf({ ...secret.environment, MINTMARK_SECRET: `${SECRET}!` })).toBe("warn");
    expect(await stateOf(secret.environment)).toBe("warn");
    expect(await stateOf({ ...pairs.environment, MINTMARK_SECRET: SECRET })).toBe("warn");
  });
});

describe("clock", () => {
  it("fails where it is an hour ahead of the server's", async () => {
    await using running = await startService();
    const now = () => Date.now() + 3_600_000;
    expect(await findingOf("clock", running.environment, { now })).toMatchObject({
      state: "fail",
      message: expect.stringMatching(/^This machine's clock is 3[56]\d\d s ahead of the server's clock/),
    });
  });

  it("fails where it is behind the latest change of the embedded database", async () => {
    using stopped = await withData();
    const now = () => Date.now() - 3_600_000;
    expect(await findingOf("clock", stopped.environment, { now })).toMatchObject({
      state: "fail",
      message: expect.stringMatching(/ s behind the latest change of the data/),
    });
  });

  it.each([
    [10, undefined, "ok"],
    [-30, undefined, "warn"],
    [60, undefined, "warn"],
    [-61, 0, "fail"],
    [0, 61, "fail"],
    [undefined, undefined, "ok"],
  ])(
    "%s s ahead of PostgreSQL's clock and %s s ahead of the server's is %s",
    (aheadOfPostgres, aheadOfServer, state) => {
      expect(assessClock({ aheadOfPostgres, aheadOfServer, aheadOfLatestChange: undefined })).toMatchObject({ state });
    },
  );

  it("may be long after the latest change", () => {
    const evidence = { aheadOfPostgres: undefined, aheadOfServer: undefined, aheadOfLatestChange: 1_000_000 };
    expect(assessClock(evidence)).toMatchObject({ state: "ok" });
  });
});

describePostgres("on PostgreSQL", () => {
  it("compares clocks, finds the tables or none, and fails where the database is read-only", async () => {
    const url = await sharedPostgres.newDatabase();
    const environment = { DATABASE_URL: url, MINTMARK_KEK: "none", PORT: await freePort() };
    expect(await findingOf("database", environment)).toMatchObject({
      state: "ok",
      message: expect.stringMatching(/first start/),
    });
    const { openPostgresStore } = await import("../../src/store/postgres/postgres.ts");
    const service = await createTokenService({ store: await openPostgresStore(url) });
    await service.close();
    const findings = await examine({ environment, engines, now: () => Date.now() + 3_600_000 });
    const find = (check: Check) => findings.find((finding) => finding.check === check);
    expect(find("clock")).toMatchObject({
      state: "fail",
      message: expect.stringMatching(/ahead of PostgreSQL's clock/),
    });
    expect(find("database")).toMatchObject({ state: "ok" });
    expect(find("database")?.message).not.toContain(new URL(url).password);
    const name = new URL(url).pathname.slice(1);
    await sharedPostgres.query(`alter database ${name} set default_transaction_read_only = on`, url);
    expect(await findingOf("database", environment)).toMatchObject({
      state: "fail",
      message: expect.stringMatching(/\(25006\): it is read-only$/),
    });
  });
});
