import { randomBytes } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { expect, it } from "vitest";
import { openPostgresStore } from "../../src/store/postgres/postgres.ts";
import { aRecord } from "../store/samples.ts";
import { mintmark, mintmarkProcess } from "../support/command.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { openProgram } from "../support/program.ts";
import { makeData, temporaryFolder } from "../support/service.ts";

const json = async (words: string[], environment: Record<string, string>, input = "") =>
  JSON.parse((await mintmark([...words, "--json"], { environment, input })).stdout);

describePostgres("mintmark move", () => {
  it("copies all state of the embedded database to PostgreSQL, once, and loses nothing", async () => {
    using folder = temporaryFolder();
    const issuer = { MINTMARK_ISSUER: "https://tokens.example" };
    const embedded = { ...issuer, MINTMARK_DATA: join(folder.path, "data") };
    const kek = { MINTMARK_KEK: randomBytes(32).toString("base64url") };
    const moved = { ...embedded, DATABASE_URL: await sharedPostgres.newDatabase(), MINTMARK_KEK: "none" };

    await makeData(embedded.MINTMARK_DATA, { issuer: issuer.MINTMARK_ISSUER });
    const { token } = await json(["token", "get"], embedded);
    const client = await json(["clients", "add", "boss", "--permissions", "admin", "--scopes", "a,b"], embedded);
    const redirect = ["--redirect-uri", "http://127.0.0.1/callback"];
    await json(["clients", "add", "cli", "--public", ...redirect], embedded);
    await json(
      ["clients", "add", "ci", "--permissions", "issue", "--jwks-uri", "https://ci.example/jwks.json"],
      embedded,
    );
    await json(["resources", "add", "https://api.example/mcp", "--scope", "tools:read=Read", "--open"], embedded);
    const before = {
      keys: await json(["keys", "list"], embedded),
      clients: await json(["clients", "list"], embedded),
      resources: await json(["resources", "list"], embedded),
      audit: await json(["audit"], embedded),
    };

    const first = await mintmarkProcess(["move"], { environment: moved });
    expect(first).toEqual({
      status: 0,
      stderr: "",
      stdout: expect.stringMatching(/^moved 1 keys, 3 clients, \d+ sessions, \d+ revocations and \d+ audit records\n$/),
    });
    const again = await mintmark(["move"], { environment: moved });
    const elsewhere = "was moved to PostgreSQL: set DATABASE_URL";
    expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining(elsewhere) });
    // The source is an outdated copy from now on: no server may open it.
    for (const words of [["revoke", "--subject", "ada"], ["keys", "list"], ["serve"]])
      expect(await mintmark(words, { environment: { ...embedded, PORT: "0" } })).toMatchObject({
        status: 1,
        stdout: "",
        stderr: expect.stringContaining(elsewhere),
      });

    expect(await json(["keys", "list"], moved)).toEqual(before.keys);
    expect(await json(["clients", "list"], moved)).toEqual(before.clients);
    expect(await json(["resources", "list"], moved)).toEqual(before.resources);
    expect(before.resources).toHaveLength(1);
    const { records } = await json(["audit"], moved);
    expect(records).toEqual(expect.arrayContaining(before.audit.records));
    expect(await json(["token", "verify"], moved, token)).toMatchObject({ iss: "https://tokens.example" });
    expect(before.clients).toContainEqual(expect.objectContaining({ clientId: client.clientId }));
    expect(before.clients).toContainEqual(expect.objectContaining({ authMethod: "none", redirectUris: [redirect[1]] }));

    const plain = await mintmark(["keys", "list"], { environment: { ...moved, ...kek } });
    expect(plain).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^mintmark: .* not encrypted yet: run {2}mintmark keys rewrap .*\n$/),
    });
    expect(await mintmark(["keys", "rewrap"], { environment: { ...moved, ...kek } })).toMatchObject({ status: 0 });
    expect(await json(["token", "verify"], { ...moved, ...kek }, token)).toMatchObject({
      iss: "https://tokens.example",
    });
    expect(await mintmark(["keys", "list"], { environment: moved })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("set MINTMARK_KEK"),
    });
  }, 120_000);

  it("encrypts private keys with MINTMARK_KEK, and stores none in the clear", async () => {
    const { folder, data, token } = await furnish({});
    using _ = folder;
    const target = { ...data, DATABASE_URL: await sharedPostgres.newDatabase(), MINTMARK_KEK: aKek() };
    const before = await json(["keys", "list"], data);
    expect(await mintmark(["move"], { environment: target })).toMatchObject({ status: 0, stderr: "" });
    expect(await json(["keys", "list"], target)).toEqual(before);
    expect(await json(["token", "verify"], target, token)).toMatchObject({ iss: ISSUER });
    const stored = await sharedPostgres.query("select private_jwk from keys", target.DATABASE_URL);
    expect(stored).toEqual([{ private_jwk: expect.stringMatching(/^sealed\./) }]);
    // Nor in a dead row, which PostgreSQL stores until a vacuum.
    const dead =
      "select n_dead_tup::int as dead, n_tup_upd::int as updated from pg_stat_user_tables where relname = 'keys'";
    expect(await sharedPostgres.query(dead, target.DATABASE_URL)).toEqual([{ dead: 0, updated: 0 }]);
    // The source is unchanged, for a rollback.
    rmSync(join(data.MINTMARK_DATA, "mintmark.db.moved"));
    expect(await json(["keys", "list"], data)).toEqual(before);
  });

  it.each([
    ["with the same key", (kek: string) => kek, undefined],
    [
      "with another key",
      () => aKek(),
      /^mintmark: MINTMARK_KEK is not the key that the signing keys .* encrypted with/,
    ],
    [
      "and MINTMARK_KEK is none",
      () => "none",
      /^mintmark: The signing keys in the database are encrypted: set MINTMARK_KEK/,
    ],
  ])("moves encrypted keys %s as they are, or refuses in one line and moves nothing", async (_, kekOf, said) => {
    const kek = aKek();
    const { folder, data, token } = await furnish({ MINTMARK_KEK: kek });
    using _folder = folder;
    const target = { ...data, DATABASE_URL: await sharedPostgres.newDatabase(), MINTMARK_KEK: kekOf(kek) };
    const { status, stderr } = await mintmark(["move"], { environment: target });
    const keys = await sharedPostgres.query("select 1 from keys", target.DATABASE_URL);
    if (said === undefined) {
      expect({ status, stderr, keys: keys.length }).toEqual({ status: 0, stderr: "", keys: 1 });
      expect(await json(["token", "verify"], target, token)).toMatchObject({ iss: ISSUER });
    } else {
      expect({ status, keys: keys.length }).toEqual({ status: 1, keys: 0 });
      expect(stderr).toMatch(said);
      expect(stderr).toMatch(/^[^\n]+\n$/);
    }
  });

  it("refuses in one line what it cannot move, and moves nothing", async () => {
    const { folder, data } = await furnish({});
    using _ = folder;
    const move = async (environment: Record<string, string>) => {
      const { status, stdout, stderr } = await mintmark(["move"], {
        environment: { MINTMARK_KEK: aKek(), ...environment },
      });
      expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
      return stderr;
    };
    const DATABASE_URL = await sharedPostgres.newDatabase();
    expect(await move({ MINTMARK_DATA: join(folder.path, "none"), DATABASE_URL })).toMatch(/There is no database in /);
    expect(existsSync(join(folder.path, "none"))).toBe(false);
    {
      await using server = await openProgram(data);
      expect(await move({ ...data, DATABASE_URL }), server.origin).toMatch(/ is in use by another Mintmark server/);
    }
    const used = await sharedPostgres.newDatabase();
    const store = await openPostgresStore(used);
    await store.appendAudit([aRecord()]);
    await store.close();
    expect(await move({ ...data, DATABASE_URL: used })).toMatch(/ already has audit: name an empty database/);

    const journal = (sql: string) => {
      const database = new Database(join(data.MINTMARK_DATA, "mintmark.db"));
      database.exec(sql);
      database.close();
    };
    journal("insert into mintmark_migration values ('900-newer', '2030')");
    expect(await move({ ...data, DATABASE_URL })).toMatch(
      / has the schema of a newer Mintmark release: move it with that release/,
    );
    journal("delete from mintmark_migration where name > '003'");
    expect(await move({ ...data, DATABASE_URL })).toMatch(
      / has the schema of an earlier Mintmark release: start the server of this release first/,
    );
    expect(await sharedPostgres.query("select 1 from keys", DATABASE_URL)).toEqual([]);
  });

  it("continues the higher sequence number of both, and copies the settings of the state", async () => {
    const { folder, data } = await furnish({});
    using _ = folder;
    const DATABASE_URL = await sharedPostgres.newDatabase();
    await (await openPostgresStore(DATABASE_URL)).close();
    const STATE = "select revision::text, keys_revision::text, issuer, longest_lifetime::text from state";
    const database = new Database(join(data.MINTMARK_DATA, "mintmark.db"));
    const [source] = database.prepare(STATE.replaceAll("::text", "")).all() as { revision: number; issuer: string }[];
    database.close();
    await sharedPostgres.query("update state set revision = 7", DATABASE_URL);
    await mintmark(["move"], { environment: { ...data, DATABASE_URL, MINTMARK_KEK: "none" } });
    const next = String((source?.revision ?? 0) + 1);
    expect(await sharedPostgres.query(STATE, DATABASE_URL)).toEqual([
      { revision: next, keys_revision: next, issuer: source?.issuer, longest_lifetime: "86400" },
    ]);
  });
});

const ISSUER = "https://tokens.example";
const aKek = () => randomBytes(32).toString("base64url");

/** An embedded database with a key, and a token signed by it. */
async function furnish(environment: Record<string, string>) {
  const folder = temporaryFolder();
  const data = { MINTMARK_ISSUER: ISSUER, MINTMARK_DATA: join(folder.path, "data") };
  const kek = environment.MINTMARK_KEK;
  await makeData(data.MINTMARK_DATA, { issuer: ISSUER, ...(kek && { kek: Buffer.from(kek, "base64url") }) });
  const { token } = await json(["token", "get"], { ...data, ...environment });
  return { folder, data, token: token as string };
}
