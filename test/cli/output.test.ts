import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { guarded } from "../support/children.ts";
import { COMMAND, mintmark } from "../support/command.ts";
import { makeData, temporaryFolder } from "../support/service.ts";

const folder = temporaryFolder();
const environment = { MINTMARK_DATA: join(folder.path, "data") };
beforeAll(() => makeData(environment.MINTMARK_DATA));
afterAll(() => folder[Symbol.dispose]());
afterEach(() => vi.unstubAllEnvs());

/** Runs a command with a closed output. */
async function unread(words: string[]) {
  const env = { PATH: process.env.PATH, ...environment };
  const child = guarded(spawn(process.execPath, [COMMAND, ...words], { env, stdio: ["ignore", "pipe", "pipe"] }));
  child.stdout.destroy();
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { stderr: await text(child.stderr), status: await ended };
}

describe("a command", () => {
  it.each([
    [["audit"]],
    [["keys", "list"]],
    [["keys", "list", "--json"]],
    [["--help"]],
    [["serve", "--help"]],
    [["--version"]],
  ])("ends quietly where nobody reads what %j prints", async (words) => {
    expect(await unread(words)).toEqual({ stderr: "", status: 0 });
  });

  it("finishes its work when its output is closed", async () => {
    await unread(["clients", "add", "unread", "--permissions", "issue"]);
    expect((await mintmark(["clients", "list"], { environment })).stdout).toContain("  unread  issue  ");
  });

  it.runIf(process.platform === "linux")("says that its output could not be written", async () => {
    const full = openSync("/dev/full", "w");
    const env = { PATH: process.env.PATH, ...environment };
    const child = guarded(spawn(process.execPath, [COMMAND, "keys", "list"], { env, stdio: ["ignore", full, "pipe"] }));
    closeSync(full);
    const status = new Promise<number | null>((resolve) => child.once("close", resolve));
    expect(await text(child.stderr as NodeJS.ReadableStream)).toBe("mintmark: the output cannot be written (ENOSPC)\n");
    expect(await status).toBe(1);
  });

  it("prints times that it parses again, in any time zone of the machine", async () => {
    vi.stubEnv("TZ", "Asia/Tokyo");
    expect(new Date(0).getHours()).toBe(9);
    const audit = async (...words: string[]) => (await mintmark(["audit", ...words], { environment })).stdout;
    const [, line = ""] = (await audit("--limit", "1")).split("\n");
    const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ(?= )/.exec(line)?.[0] ?? "";
    expect(Math.abs(Date.parse(at) - Date.now())).toBeLessThan(60_000);
    for (const from of [at, at.slice(0, -1), at.slice(0, -1).replace("T", " ")]) {
      expect(await audit("--from", from)).toContain(line);
      expect(await audit("--to", from)).not.toContain(line);
    }
  });

  it("escapes control characters of subjects, in a table and in JSON, and revokes them unchanged", async () => {
    const subject = "ada\u202E\u2028[2J";
    const { stdout: token } = await mintmark(["token", "get", "--subject", subject], { environment });
    const claims = (await mintmark(["token", "verify"], { environment, input: token })).stdout;
    const audit = await mintmark(["audit", "--action", "getToken"], { environment });
    const json = await mintmark(["audit", "--action", "getToken", "--json"], { environment });
    for (const printed of [claims, audit.stdout, json.stdout]) {
      expect(printed).toContain("ada\\u202e\\u2028[2J");
      expect(printed).not.toMatch(/[\u202E\u2028]/);
    }
    expect(JSON.parse(json.stdout).records).toContainEqual(expect.objectContaining({ subject }));
    expect((await mintmark(["revoke", "--subject", subject], { environment })).status).toBe(0);
    expect((await mintmark(["token", "verify"], { environment, input: token })).stderr).toContain("token_revoked");
  });

  it("prints no control character of a refused argument", async () => {
    const { status, stderr } = await mintmark(["token", "get", "--expires-in", "\u001B[2J\u202E"], { environment });
    expect(status).toBe(2);
    expect(stderr).toContain("\\u001b[2J\\u202e");
  });
});
