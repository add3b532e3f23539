import { CompiledQuery } from "kysely";
import { describe, expect, it } from "vitest";
import { MintmarkError } from "../../src/errors.ts";
import { failureCode } from "../../src/store/failure-code.ts";
import { ConnectionError, isOutage } from "../../src/store/outage.ts";
import { openPostgres } from "../../src/store/postgres/postgres.ts";
import { createStore, type Driver } from "../../src/store/sql/driver.ts";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { temporaryFolder } from "../support/service.ts";
import { aClient, aRecord } from "./samples.ts";

const coded = (code: string) => Object.assign(new Error("canary"), { code });

/** What passes by itself or by an operator's hand. */
const OUTAGES = [
  ...[
    "08000",
    "08003",
    "08006",
    "08P01",
    "25006",
    "25P03",
    "25P04",
    "40001",
    "40P01",
    "53000",
    "53100",
    "53200",
    "53300",
  ],
  ...["55006", "55P03", "57014", "57P01", "57P02", "57P03", "57P04", "57P05", "58000", "58030", "58P01"],
  ...[
    "ECONNREFUSED",
    "ECONNRESET",
    "EPIPE",
    "ETIMEDOUT",
    "EAI_AGAIN",
    "ENOTFOUND",
    "EHOSTUNREACH",
    "EMFILE",
    "ENOSPC",
    "EIO",
  ],
  ...["SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_CANTOPEN"],
  ...["SQLITE_READONLY", "SQLITE_READONLY_DBMOVED", "SQLITE_NOMEM", "SQLITE_PROTOCOL", "SQLITE_INTERRUPT"],
];
/** What a second attempt would only repeat. */
const FAULTS = [
  ...[
    "0A000",
    "21000",
    "22001",
    "22003",
    "22021",
    "22P02",
    "22P05",
    "23502",
    "23503",
    "23505",
    "23514",
    "25001",
    "25P02",
  ],
  ...[
    "26000",
    "28000",
    "2BP01",
    "3F000",
    "42501",
    "42601",
    "42703",
    "42804",
    "42883",
    "42P01",
    "42P07",
    "54000",
    "P0001",
  ],
  ...["XX000", "XX001", "XX002", "ERR_INVALID_ARG_TYPE", "ERR_OUT_OF_RANGE"],
  ...["SQLITE_ERROR", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_MISMATCH", "SQLITE_MISUSE", "SQLITE_RANGE", "SQLITE_TOOBIG"],
  ...["SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_SCHEMA"],
];

describe("a failure of a store", () => {
  it.each(OUTAGES)("(%s) is an outage", (code) => expect(isOutage(coded(code))).toBe(true));
  it.each(FAULTS)("(%s) is a fault", (code) => expect(isOutage(coded(code))).toBe(false));

  it.each([new TypeError("x"), new SyntaxError("x"), new Error("no result"), "x", undefined, null])(
    "(%s) is a fault where it has no code",
    (cause) => expect(isOutage(cause)).toBe(false),
  );

  it.each([coded("28P01"), new TypeError("x"), new Error("Connection terminated unexpectedly"), undefined])(
    "(%s) is an outage where the connection was lost by it",
    (cause) => expect(isOutage(new ConnectionError(cause))).toBe(true),
  );

  it("is known by the code of what it comes from, and of several by the one that says most", () => {
    expect(failureCode(new Error("x", { cause: coded("53300") }))).toBe("53300");
    const both = new AggregateError([coded("EADDRNOTAVAIL"), coded("ECONNREFUSED")]);
    expect(failureCode(both)).toBe("ECONNREFUSED");
    expect(failureCode(Object.assign(new AggregateError([]), { code: "ETIMEDOUT" }))).toBe("ETIMEDOUT");
    expect(failureCode(coded("not a code: canary"))).toBeUndefined();
  });
});

/** Faults of a query on tables that are not as they should be, in each database's own words. */
const BROKEN: Record<string, { sql: string; postgres: string | undefined; sqlite: string | undefined }> = {
  "a column that is not there": {
    sql: "alter table clients rename column name to title",
    postgres: "42703",
    sqlite: "SQLITE_ERROR",
  },
  "a table that is not there": {
    sql: "alter table clients rename to customers",
    postgres: "42P01",
    sqlite: "SQLITE_ERROR",
  },
  "text that is no JSON": { sql: "update clients set scopes = 'canary'", postgres: undefined, sqlite: undefined },
};

/** What listing clients ends with, once a statement was run on a store's tables. */
async function faultAfter(driver: Driver, run: () => Promise<unknown>): Promise<MintmarkError> {
  const store = createStore(driver);
  await store.addClient(aClient(), aRecord());
  await run();
  const error = await store.listClients().catch((cause: unknown) => cause);
  await store.close();
  expect(error).toBeInstanceOf(MintmarkError);
  return error as MintmarkError;
}

describe("a query on the embedded database", () => {
  it.each(Object.entries(BROKEN))(
    "fails by %s with internal_error, not with unavailable",
    async (_, { sql, sqlite }) => {
      using folder = temporaryFolder();
      const driver = await openSqlite(folder.path);
      const { reason, cause, message } = await faultAfter(driver, () => driver.db.executeQuery(CompiledQuery.raw(sql)));
      expect({ reason, code: failureCode(cause) }).toEqual({ reason: "internal_error", code: sqlite });
      expect(message).toBe("Internal server error");
    },
  );
});

describePostgres("a query on PostgreSQL", () => {
  it.each(Object.entries(BROKEN))(
    "fails by %s with internal_error, not with unavailable",
    async (_, { sql, postgres }) => {
      const url = await sharedPostgres.newStoreDatabase();
      const driver = await openPostgres(url);
      const { reason, cause, message } = await faultAfter(driver, () => sharedPostgres.query(sql, url));
      expect({ reason, code: failureCode(cause) }).toEqual({ reason: "internal_error", code: postgres });
      expect(message).toBe("Internal server error");
    },
  );

  it.each([
    ["read-only transactions", "alter database DATABASE set default_transaction_read_only = on", "25006"],
    ["no connections", "alter database DATABASE allow_connections false", "55000"],
  ])("fails by %s with unavailable", async (_, sql, code) => {
    const url = await sharedPostgres.newStoreDatabase();
    const database = new URL(url).pathname.slice(1);
    const store = createStore(await openPostgres(url));
    const admin = Object.assign(new URL(url), { pathname: "/postgres" }).href;
    await sharedPostgres.query(sql.replace("DATABASE", database), admin);
    await sharedPostgres.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}'`,
      admin,
    );
    const attempt = () => store.addClient(aClient(), aRecord()).catch((cause: unknown) => cause);
    // The first attempts may find connections that were just cut.
    await expect.poll(async () => failureCode(((await attempt()) as MintmarkError).cause)).toBe(code);
    expect(await attempt()).toMatchObject({ reason: "unavailable" });
    await store.close();
  });
});
