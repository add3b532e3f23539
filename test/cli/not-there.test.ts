import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mintmark } from "../support/command.ts";
import { makeData, temporaryFolder } from "../support/service.ts";

type Row = [words: string[], stderr: RegExp, input?: string];

/** Commands with a missing target, and their messages. */
const ROWS: Row[] = [
  [["token", "revoke"], /^mintmark: nothing was revoked: the service did not issue this token/, "garbage"],
  [["token", "revoke", "--json"], /^mintmark: nothing was revoked/, "eyJhbGciOiJFUzI1NiJ9.e30.AAAA"],
  [["token", "revoke"], /^mintmark: nothing was revoked/, ""],
  [["token", "refresh"], /\(invalid_refresh_token\)/, "garbage"],
  [["revoke", "--client", "nobody"], /^mintmark: there is no client nobody: /],
  [["revoke", "--client", "nobody", "--json"], /^mintmark: there is no client nobody: /],
  [["revoke", "--client", ""], /\(invalid_request\)/],
  [["revoke", "--subject", ""], /\(invalid_request\)/],
  [["keys", "kill", "nothing"], /^mintmark: There is no such key \(unknown_key\)/],
  [["clients", "remove", "nobody"], /^mintmark: There is no such client \(unknown_client\)/],
  [["clients", "rotate-secret", "nobody"], /^mintmark: There is no such client \(unknown_client\)/],
  [["resources", "remove", "urn:a"], /^mintmark: There is no such resource \(unknown_resource\)/],
  [["resources", "add", "mcp"], /must be an absolute URI without a fragment.*\(invalid_request\)/],
];

describe("a command reports a missing target", () => {
  const folder = temporaryFolder();
  const environment = { MINTMARK_DATA: join(folder.path, "data") };
  beforeAll(() => makeData(environment.MINTMARK_DATA));
  afterAll(() => folder[Symbol.dispose]());

  test.each(ROWS)("%j: exit status 1, and nothing on standard output", async (words, stderr, input = "") => {
    const ended = await mintmark(words, { environment, input });
    expect(ended).toEqual({ status: 1, stdout: "", stderr: expect.stringMatching(stderr) });
    expect(ended.stderr).toMatch(/^[^\n]+\n$/);
  });

  test("and succeeds for tokens of the command line, and for a subject without a record", async () => {
    for (const words of [
      ["revoke", "--client", "local"],
      ["revoke", "--subject", "ada"],
    ])
      expect(await mintmark(words, { environment })).toMatchObject({ status: 0, stderr: "" });
  });

  test("and revokes an expired token, and a token twice", async () => {
    const { stdout: input } = await mintmark(["token", "get"], { environment });
    for (const _ of [1, 2])
      expect(await mintmark(["token", "revoke"], { environment, input })).toMatchObject({
        status: 0,
        stdout: "revoked\n",
      });
  });
});
