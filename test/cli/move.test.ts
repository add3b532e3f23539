import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { expect, it } from "vitest";
import { mintmark } from "../support/command.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { makeData, temporaryFolder } from "../support/service.ts";

const json = async (words: string[], environment: Record<string, string>, input = "") =>
  JSON.parse((await mintmark([...words, "--json"], { environment, input })).stdout);

describePostgres("mintmark move", () => {
  it("takes all state from the embedded database to PostgreSQL, once, and loses nothing", async () => {
    using folder = temporaryFolder();
    const issuer = { MINTMARK_ISSUER: "https://tokens.example" };
    const embedded = { ...issuer, MINTMARK_DATA: join(folder.path, "data") };
    const kek = { MINTMARK_KEK: randomBytes(32).toString("base64url") };
    const moved = { ...embedded, DATABASE_URL: await sharedPostgres.newDatabase(), MINTMARK_KEK: "none" };

    await makeData(embedded.MINTMARK_DATA, { issuer: issuer.MINTMARK_ISSUER });
    const { token } = await json(["token", "get"], embedded);
    const client = await json(["clients", "add", "boss", "--permissions", "admin", "--scopes", "a,b"], embedded);
    const before = {
      keys: await json(["keys", "list"], embedded),
      clients: await json(["clients", "list"], embedded),
      audit: await json(["audit"], embedded),
    };

    const first = await mintmark(["move"], { environment: moved });
    expect(first).toEqual({
      status: 0,
      stderr: "",
      stdout: expect.stringMatching(/^moved 1 keys, 1 clients, \d+ sessions, \d+ revocations and \d+ audit records\n$/),
    });
    const again = await mintmark(["move"], { environment: moved });
    expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining("has keys or clients already") });

    expect(await json(["keys", "list"], moved)).toEqual(before.keys);
    expect(await json(["clients", "list"], moved)).toEqual(before.clients);
    const { records } = await json(["audit"], moved);
    expect(records).toEqual(expect.arrayContaining(before.audit.records));
    expect(await json(["token", "verify"], moved, token)).toMatchObject({ iss: "https://tokens.example" });
    expect(before.clients[0].clientId).toBe(client.clientId);

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
  }, 60_000);
});
