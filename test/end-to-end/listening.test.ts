import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { mintmark } from "../support/command.ts";
import { startInVain } from "../support/process.ts";
import { openInVain, openProgram } from "../support/program.ts";
import { temporaryFolder } from "../support/service.ts";

const hasIpv6 = Object.values(networkInterfaces()).some((found) => found?.some(({ address }) => address === "::1"));

const REFUSAL = /^HOST (must be|begins with) /;

describe.concurrent("a server with any HOST", { timeout: 30_000 }, () => {
  test.each([
    ["by conda", { HOST: "x86_64-conda-linux-gnu" }],
    ["by a shell", { HOST: "name.invalid" }],
    ["to a name that is not known", { HOST: "name.invalid", MINTMARK_ISSUER: "https://tokens.example" }],
    ["to an address of another machine", { HOST: "192.0.2.1", MINTMARK_ISSUER: "https://tokens.example" }],
    ["with quotes", { HOST: '"0.0.0.0"' }],
  ])("refuses it %s, in one line about HOST", async (_, environment) => {
    using folder = temporaryFolder();
    const ended = await openInVain({ MINTMARK_DATA: join(folder.path, "data"), ...environment });
    expect(ended).toEqual({ message: expect.stringMatching(REFUSAL), log: "" });
  });

  test("refuses a name that is not known where workers would listen on it", async () => {
    using folder = temporaryFolder();
    const issuer = { MINTMARK_ISSUER: "https://tokens.example", MINTMARK_DATA: join(folder.path, "data") };
    const { code, message } = await startInVain({ HOST: "name.invalid", MINTMARK_WORKERS: "2", ...issuer });
    expect({ code, message }).toEqual({ code: 1, message: expect.stringMatching(REFUSAL) });
  });

  test.runIf(hasIpv6)("listens on [::1] as on ::1, and commands beside it do", async () => {
    using folder = temporaryFolder();
    const environment = { HOST: "[::1]", MINTMARK_DATA: join(folder.path, "data") };
    await using server = await openProgram({ ...environment, MINTMARK_KEEP_ALIVE: "75" });
    expect(server.origin).toMatch(/^http:\/\/\[::1\]:\d+$/);
    expect((await fetch(`${server.origin}/healthz`)).headers.get("keep-alive")).toBe("timeout=75");
    expect(await mintmark(["keys", "list"], { environment })).toMatchObject({ status: 0, stderr: "" });
  });
});
