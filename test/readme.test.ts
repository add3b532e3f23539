import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readConfig } from "../src/config.ts";

const root = join(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

const blocks = [...readme.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code);
const serverAt = blocks.findIndex((code) => code.includes("createTokenServer("));
const [server = "", client = "", output] = blocks.slice(serverAt);

// Below the project's root, so that `mintmark` means this package.
mkdirSync(join(root, ".cache"), { recursive: true });
const folder = mkdtempSync(join(root, ".cache/readme-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the README", () => {
  it("shows typed code that compiles and prints what it says", async () => {
    const port = "39017";
    writeFileSync(join(folder, "server.ts"), server.replace("(service)", `(service, { port: ${port} })`));
    writeFileSync(join(folder, "client.ts"), client.replace(":3000", `:${port}`));
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const options = [
      "--noEmit",
      "--ignoreConfig",
      "--strict",
      "--module",
      "nodenext",
      "--target",
      "es2023",
      "--allowImportingTsExtensions",
      "--skipLibCheck",
      "--types",
      "node",
    ];
    execFileSync(process.execPath, [tsc, ...options, join(folder, "client.ts")], { cwd: root, stdio: "inherit" });

    const running = spawn(process.execPath, ["--import", "tsx", "server.ts"], {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(running.stdout, "data");
    const printed = execFileSync(process.execPath, ["--import", "tsx", "client.ts"], { cwd: folder, encoding: "utf8" });
    running.kill();
    expect(printed).toBe(output);
  });

  it("names the variables that there are, with their defaults", () => {
    const defaults = readConfig({});
    for (const value of [
      defaults.host,
      defaults.port,
      defaults.data,
      defaults.alg,
      defaults.ttl,
      defaults.maxTtl,
      defaults.logLevel,
    ]) {
      expect(readme).toContain(`\`${value}\``);
    }
  });
});
