import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTokenService } from "../../src/service/service.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { mintmark } from "../support/command.ts";
import { ISSUER, temporaryFolder } from "../support/service.ts";

/** A variable, a value that differs from the stored one, and the stored one. */
const ROWS = [
  ["MINTMARK_ISSUER", "https://other.example", ISSUER],
  ["MINTMARK_AUDIENCE", "orders", ISSUER],
  ["MINTMARK_ALG", "EdDSA", "ES256"],
  ["MINTMARK_TTL", "600", "900"],
  ["MINTMARK_MAX_TTL", "3600", "86400"],
] as const;

describe("a command on the data of this machine", () => {
  const folder = temporaryFolder();
  const data = { MINTMARK_DATA: join(folder.path, "data") };
  beforeAll(async () => {
    const store = await openSqliteStore(data.MINTMARK_DATA);
    const service = await createTokenService({ store, issuer: ISSUER });
    await service.close();
  });
  afterAll(() => folder[Symbol.dispose]());

  const stderrOf = async (environment: Record<string, string>) => {
    const { status, stderr } = await mintmark(["keys", "list"], { environment: { ...data, ...environment } });
    expect(status).toBe(0);
    return stderr;
  };

  test.each(ROWS)(
    "prints one line where %s differs from the stored setting, and nothing where it is equal",
    async (...row) => {
      const [variable, differing, same] = row;
      const line = new RegExp(`^mintmark: the [^\\n]+ of the service, [^\\n]+, is used: ${variable} differs\\n$`);
      expect(await stderrOf({ [variable]: differing })).toMatch(line);
      expect(await stderrOf({ [variable]: same })).toBe("");
    },
  );

  test("prints one line for each differing variable", async () => {
    const all = Object.fromEntries(ROWS.map(([variable, differing]) => [variable, differing]));
    expect((await stderrOf(all)).trimEnd().split("\n")).toEqual(
      ROWS.map(([variable]) => expect.stringMatching(new RegExp(`: ${variable} differs$`))),
    );
  });
});
