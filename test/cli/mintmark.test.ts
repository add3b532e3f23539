import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const run = (...args: string[]) =>
  spawnSync(process.execPath, ["--import", "tsx", join(import.meta.dirname, "../../src/cli/mintmark.ts"), ...args], {
    encoding: "utf8",
  });

describe("mintmark", () => {
  it("explains itself, with every variable and an example", () => {
    expect(run("--help")).toMatchObject({ status: 0, stdout: expect.stringContaining("serve") });
    const { status, stdout } = run("serve", "--help");
    expect(status).toBe(0);
    for (const variable of ["HOST", "PORT", "MINTMARK_DATA", "MINTMARK_SECRET", "Example:"])
      expect(stdout).toContain(variable);
  });

  it("tells its version", () => {
    expect(run("--version")).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  it("refuses a command or an option that it does not have", () => {
    expect(run("mint")).toMatchObject({ status: 2, stdout: "" });
    expect(run("serve", "--port", "1")).toMatchObject({ status: 2, stdout: "" });
  });
});
