import { expect, it, vi } from "vitest";
import { openPostgresStore } from "../../src/store/postgres/postgres.ts";
import { blockOf } from "../support/guide.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { aClient, aRecord } from "./samples.ts";

const { query } = sharedPostgres;

/** Where the tables of Mintmark are, one schema or none. */
async function placeOf(url: string): Promise<unknown[]> {
  const rows = await query("select schemaname from pg_tables where tablename = 'refresh_tokens'", url);
  return rows.map(({ schemaname }) => schemaname);
}

/** Opens a database twice, as two starts do: what the first one wrote, the second one finds. */
async function openTwice(url: string): Promise<string[]> {
  const onNotice = vi.fn();
  const first = await openPostgresStore(url, { onNotice });
  await first.addClient(aClient(), aRecord());
  await first.close();
  const second = await openPostgresStore(url);
  expect(await second.listClients()).toHaveLength(1);
  await second.close();
  return onNotice.mock.calls.flat();
}

/** A role that may connect and no more, as others than the owner are from PostgreSQL 15 on. */
async function asGuest(url: string): Promise<string> {
  const address = new URL(url);
  const role = `guest_${address.pathname.slice(1)}`;
  await query(`create role ${role} login password 'p'; revoke create on schema public from public`, url);
  return Object.assign(address, { username: role, password: "p" }).href;
}

/** Databases as others leave them, where the tables go, and what is said about it. */
const FOUND: Record<string, { before?: string; parameters?: string; at: string; notice?: RegExp }> = {
  nothing: { at: "public" },
  "parameters that are for other programs": {
    parameters:
      "?pgbouncer=true&connection_limit=2&pool_timeout=5&connect_timeout=3&stream=x&types=1&max=0&statement_cache_size=0",
    at: "public",
  },
  "a schema named by the URL": { parameters: "?schema=tokens", at: "tokens" },
  "a schema named with spaces, quotes and capitals": { parameters: "?schema=My%20%22own%22,x", at: 'My "own",x' },
  "a schema named that is there": { before: "create schema tokens", parameters: "?schema=tokens", at: "tokens" },
  "a schema named and a search_path": {
    before: "create schema other",
    parameters: "?schema=tokens&options=-c%20search_path%3Dother",
    at: "tokens",
  },
  "a search_path by options": {
    before: "create schema other",
    parameters: "?options=-c%20search_path%3Dother,public",
    at: "other",
  },
  "tables of these names in another schema on the search_path": {
    before: `create schema theirs; create schema ours; create table theirs.keys (); create table theirs.state ();
      create table theirs.mintmark_migration (version int); create table theirs.sessions ()`,
    parameters: "?options=-c%20search_path%3Dours,theirs",
    at: "ours",
  },
  "tables of these names in the current schema": {
    before: "create table keys (id int); create table state (a int); create table sessions (x int)",
    at: "mintmark",
    notice: /^The schema public of the database has tables of another program: using the schema mintmark$/,
  },
  "one table of the last names in the current schema": {
    before: "create table counts ()",
    at: "mintmark",
    notice: /./,
  },
  "a type of these names in the current schema": {
    before: "create type state as enum ('on', 'off')",
    at: "mintmark",
    notice: /./,
  },
  "a view and a sequence of these names": {
    before: "create view audit as select 1 as a; create sequence clients",
    at: "mintmark",
    notice: /./,
  },
};

describePostgres("a database that others use", () => {
  it.each(Object.entries(FOUND))(
    "with %s has the tables of Mintmark in one schema and keeps them",
    async (_, found) => {
      const url = await sharedPostgres.newDatabase();
      if (found.before !== undefined) await query(found.before, url);
      const said = await openTwice(`${url}${found.parameters ?? ""}`);
      expect(await placeOf(url)).toEqual([found.at]);
      expect(said).toEqual(found.notice === undefined ? [] : [expect.stringMatching(found.notice)]);
    },
  );

  it("goes on with tables that earlier programs made in the current schema, though the URL names another", async () => {
    const url = await sharedPostgres.newDatabase();
    await openTwice(url);
    const onNotice = vi.fn();
    const store = await openPostgresStore(`${url}?schema=tokens`, { onNotice });
    expect(await store.listClients()).toHaveLength(1);
    await store.close();
    expect(await placeOf(url)).toEqual(["public"]);
    expect(onNotice.mock.calls.flat()).toEqual([expect.stringMatching(/^[^\n]* using those in public\. /)]);
  });

  it("makes changes at the same time where its transactions are serializable by default", async () => {
    const url = await sharedPostgres.newDatabase();
    const serializable = "set default_transaction_isolation = serializable";
    await query(`alter database ${new URL(url).pathname.slice(1)} ${serializable}`, url);
    const store = await openPostgresStore(url);
    const changes = Array.from({ length: 20 }, () => store.addClient(aClient(), aRecord()));
    expect(new Set(await Promise.all(changes))).toEqual(new Set(["added"]));
    await store.close();
  });

  it("keeps two services apart by their schemas", async () => {
    const url = await sharedPostgres.newDatabase();
    await openTwice(`${url}?schema=one`);
    await openTwice(`${url}?schema=two`);
    expect((await placeOf(url)).toSorted()).toEqual(["one", "two"]);
  });

  it("makes one set of tables, however many servers start at once where the current schema is taken", async () => {
    const url = await sharedPostgres.newDatabase();
    await query("create table keys ()", url);
    const stores = await Promise.all(Array.from({ length: 6 }, () => openPostgresStore(url)));
    await Promise.all(stores.map((store) => store.addClient(aClient(), aRecord())));
    expect(await stores[0]?.listClients()).toHaveLength(6);
    for (const store of stores) await store.close();
    expect(await placeOf(url)).toEqual(["mintmark"]);
  });

  it.each([
    [
      "nowhere",
      "",
      /^The schema public of the database cannot be changed .*: let the owner of the database run {2}create schema mintmark authorization USER {2}/,
    ],
    [
      "nowhere, and names a schema",
      "?schema=tokens",
      /^The database has no schema tokens, .* let the owner of the database run {2}create schema tokens authorization USER {2}/,
    ],
    [
      "nowhere, and names one of others",
      "?schema=public",
      /^The schema public of the database cannot be changed .*: name another one by \?schema=NAME/,
    ],
  ])("says in one line what to do where the user may create %s", async (_, parameters, said) => {
    const url = await asGuest(await sharedPostgres.newDatabase());
    const failed = openPostgresStore(`${url}${parameters}`);
    await expect(failed).rejects.toThrow(said);
    await expect(failed).rejects.toThrow(/^[^\n]+$/);
  });

  it("works once its owner has run what that line says", async () => {
    const url = await sharedPostgres.newDatabase();
    const guest = await asGuest(url);
    const create = blockOf("docs/deployment.md", "sql", "create schema");
    await query(create.replace("authorization mintmark", `authorization ${new URL(guest).username}`), url);
    expect(await openTwice(guest)).toEqual([expect.stringContaining("using the schema mintmark")]);
  });

  it.each(["LATIN1", "SQL_ASCII", "EUC_JP"])("is refused in one line where its encoding is %s", async (encoding) => {
    const url = await sharedPostgres.newDatabase();
    const name = `encoded_${encoding.toLowerCase()}`;
    await query(`create database ${name} encoding '${encoding}' template template0 lc_collate 'C' lc_ctype 'C'`, url);
    const address = Object.assign(new URL(url), { pathname: `/${name}` });
    const refused = new RegExp(`^[^\\n]* has the encoding ${encoding}, [^\\n]* encoding 'UTF8' template template0$`);
    await expect(openPostgresStore(address.href)).rejects.toThrow(refused);
  });
});
