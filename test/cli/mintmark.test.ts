import { describe, expect, it } from "vitest";
import { settingList } from "../../src/program/settings.ts";
import { mintmark } from "../support/command.ts";

const COMMANDS = [
  ["serve"],
  ["token", "get"],
  ["token", "verify"],
  ["keys", "list"],
  ["keys", "rotate"],
  ["keys", "revoke"],
  ["keys", "kill"],
  ["keys", "rewrap"],
  ["clients", "add"],
  ["clients", "list"],
  ["clients", "rotate-secret"],
  ["clients", "remove"],
  ["resources", "add"],
  ["resources", "list"],
  ["resources", "remove"],
  ["sessions", "list"],
  ["sessions", "revoke"],
  ["consents", "list"],
  ["consents", "revoke"],
  ["audit"],
  ["config"],
  ["doctor"],
  ["backup"],
  ["move"],
];

describe("mintmark", () => {
  it("explains each of its commands, with an example", async () => {
    const { status, stdout } = await mintmark(["--help"]);
    expect(status).toBe(0);
    for (const [command = ""] of COMMANDS) expect(stdout).toContain(`  ${command}`);
    const pages = await Promise.all(COMMANDS.map((words) => mintmark([...words, "--help"])));
    for (const [at, page] of pages.entries()) {
      expect({ command: COMMANDS[at], ...page }).toMatchObject({ status: 0, stderr: "" });
      expect(page.stdout).toMatch(/^Examples?:$/m);
    }
  });

  it("names every variable of the environment that the server reads", async () => {
    const { stdout } = await mintmark(["serve", "--help"]);
    for (const { variable } of settingList) expect(stdout).toContain(`${variable} `);
    for (const { doc } of settingList) expect(stdout).toContain(doc.replaceAll("`", ""));
  });

  it("prints its version", async () => {
    expect(await mintmark(["--version"])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });

  it.each([
    [["mint"]],
    [["serve", "--port", "1"]],
    [["token"]],
    [["token", "get", "--expires-in", "soon"]],
    [["token", "get", "--claims", "[1]"]],
    [["keys", "revoke"]],
    [["keys", "kill"]],
    [["clients", "add", "x"]],
    [["clients", "add", "x", "--permissions", "root"]],
    [["resources", "add"]],
    [["sessions", "list"]],
    [["sessions", "revoke"]],
    [["sessions", "list", "--subject", "ada", "--limit", "x"]],
    [["consents", "list"]],
    [["consents", "revoke", "--subject", "ada"]],
    [["consents", "revoke", "--client", "a"]],
    [["resources", "add", "urn:a", "--scope", "tools:read"]],
    [["resources", "add", "urn:a", "--scope", "=Read"]],
    [["resources", "add", "urn:a", "--scope", "a="]],
    [["resources", "add", "urn:a", "--scope", "a=A", "--scope", "a=B"]],
    [["audit", "--outcome", "odd"]],
    [["audit", "--from", "yesterday-ish"]],
  ])("refuses the words %j with exit status 2, and says nothing on standard output", async (words) => {
    const { status, stdout, stderr } = await mintmark(words);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).not.toMatch(/ {4}at /);
  });

  it("reports a fault of the environment in one line", async () => {
    const { status, stderr } = await mintmark(["keys", "list"], { environment: { MINTMARK_KEK: "canary" } });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^mintmark: MINTMARK_KEK must be 32 bytes.*\n$/);
  });
});
