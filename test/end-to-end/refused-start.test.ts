import { execSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { describe, expect, test } from "vitest";
import { createTokenService } from "../../src/service/service.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { startInVain } from "../support/process.ts";
import { openInVain } from "../support/program.ts";
import { openServer, temporaryFolder } from "../support/service.ts";

describe.concurrent("a server that cannot start says so in one line", { timeout: 60_000 }, () => {
  test("where its port is taken, and does not touch its data folder", async () => {
    await using first = await openServer();
    using folder = temporaryFolder();

    const ended = await startInVain({ PORT: new URL(first.url).port, MINTMARK_DATA: join(folder.path, "data") });

    expect(ended).toMatchObject({
      code: 1,
      stdout: "",
      message: expect.stringMatching(/^127\.0\.0\.1:\d+ is taken: .* PORT/),
    });
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test.each(["/proc/mintmark", "/proc/self/mintmark", "/dev/null"])(
    "where its data folder cannot be made: %s",
    async (data) => {
      const ended = await openInVain({ MINTMARK_DATA: data });
      expect(ended).toEqual(refusal(/MINTMARK_DATA is \/\w+\/.*, which cannot be used \(E\w+\)/));
    },
  );

  test("where its data folder would lie below a file", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "file");
    writeFileSync(file, "mine");

    const ended = await openInVain({ MINTMARK_DATA: join(file, "x") });

    expect(ended).toEqual(refusal(/MINTMARK_DATA is .*file\/x, which cannot be used \(ENOTDIR\)/));
    expect(readFileSync(file, "utf8")).toBe("mine");
  });

  test("where its data folder holds other files, and leaves them alone", async () => {
    using folder = temporaryFolder();
    const data = join(folder.path, "data");
    mkdirSync(data, { mode: 0o755 });
    writeFileSync(join(data, "thesis.txt"), "mine", { mode: 0o644 });

    const ended = await openInVain({ MINTMARK_DATA: data });

    expect(ended).toEqual(refusal(/MINTMARK_DATA is .*, which holds other files/));
    expect(readdirSync(data)).toEqual(["thesis.txt"]);
    expect([data, join(data, "thesis.txt")].map((path) => statSync(path).mode & 0o777)).toEqual([0o755, 0o644]);
  });

  test("where its secret is too short, with a command that makes a good one", async () => {
    using folder = temporaryFolder();
    const secret = "0123456789 short by one letter.";

    const ended = await openInVain({ MINTMARK_DATA: join(folder.path, "data"), MINTMARK_SECRET: secret });
    const [command = ""] = ended.message?.match(/node -p ".*"/) ?? [];
    await using server = await openServer({ secret: execSync(command, { encoding: "utf8" }).trim() });

    expect(ended).toEqual(refusal(/MINTMARK_SECRET has 31 bytes and needs at least 32/));
    expect(ended.message).not.toContain(secret);
    expect((await fetch(`${server.url}/trpc/getToken`)).status).toBe(200);
  });

  test.each([
    ["altered in one letter", "ES256", alterPrivateNumber],
    ["cut short, though not of the algorithm in use", "EdDSA", (jwk: string) => jwk.slice(0, 40)],
  ] as const)("where its private key is %s, and makes none in its place", async (_, alg, harm) => {
    using folder = temporaryFolder();
    const data = await makeDatabase(folder.path);
    const [key] = editKeys(data, harm);

    const ended = await openInVain({ MINTMARK_DATA: data, MINTMARK_ALG: alg });

    expect(ended).toEqual(refusal(new RegExp(`signing key ${key?.kid} in the database is damaged`)));
    // The message of a JSON parser quotes the text.
    expect(ended.message).not.toContain("kty");
    expect(editKeys(data)).toEqual([key]);
  });

  test.each([
    ["cut short", (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1)],
    ["something else", (bytes: Buffer) => randomBytes(bytes.length)],
  ] as const)("where its database file is %s, and leaves the file alone", async (_, harm) => {
    using folder = temporaryFolder();
    const data = await makeDatabase(folder.path);
    const file = join(data, "mintmark.db");
    const damaged = harm(readFileSync(file));
    writeFileSync(file, damaged);

    const ended = await openInVain({ MINTMARK_DATA: data });

    expect(ended).toEqual(refusal(/database .*mintmark\.db cannot be opened \(SQLITE_\w+\): .* MINTMARK_DATA/));
    expect(readFileSync(file).equals(damaged)).toBe(true);
  });
});

function refusal(reason: RegExp) {
  return { message: expect.stringMatching(new RegExp(`^.*${reason.source}.*$`)), log: "" };
}

/** Creates a database with one ES256 key. Returns its folder. */
async function makeDatabase(folder: string): Promise<string> {
  const data = join(folder, "data");
  const service = await createTokenService({ store: await openSqliteStore(data) });
  await service.close();
  return data;
}

type KeyRow = { kid: string; private_jwk: string };

/** Rewrites the private keys where a function is given. Returns all rows of keys. */
function editKeys(data: string, harm?: (jwk: string) => string): KeyRow[] {
  const database = new Database(join(data, "mintmark.db"));
  try {
    const rows = database.prepare("SELECT * FROM keys").all() as KeyRow[];
    if (harm === undefined) return rows;
    const update = database.prepare("UPDATE keys SET private_jwk = ? WHERE kid = ?");
    for (const { kid, private_jwk } of rows) update.run(harm(private_jwk), kid);
    return editKeys(data);
  } finally {
    database.close();
  }
}

function alterPrivateNumber(jwk: string): string {
  const { d, ...rest } = JSON.parse(jwk);
  return JSON.stringify({ ...rest, d: (d[0] === "A" ? "B" : "A") + d.slice(1) });
}
