import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readConfig } from "../src/program/config.ts";
import { guarded } from "./support/children.ts";
import { freePort } from "./support/process.ts";

const root = join(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

const blocks = [...readme.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, code = ""]) => code);
const serverAt = blocks.findIndex((code) => code.includes("createTokenServer("));
const [server = "", client = "", output] = blocks.slice(serverAt);

/** What the pieces on verifying and revoking go on from: the claims and the client of the pieces before them. */
const PRELUDE = `import { initTRPC } from "@trpc/server";
import { createTokenClient } from "mintmark/client";
import type { BearerContext } from "mintmark/verifier/trpc";
import { z } from "zod";
const claims = z.object({ role: z.enum(["reader", "writer"]) });
const client = createTokenClient({ url: "http://127.0.0.1:3000" });
const publicProcedure = initTRPC.context<BearerContext>().create().procedure;
declare const token: string;
`;
const USES = `
protectedProcedure.query(({ ctx }): "reader" | "writer" => ctx.auth.role);
orderProcedure.query(({ ctx }): string => ctx.auth.sub + sub + role);
`;
const pieces = blocks.filter((code) => /mintmark\/verifier|revokeToken/.test(code));

// Below the project's root, so that `mintmark` means this package.
mkdirSync(join(root, ".cache"), { recursive: true });
const folder = mkdtempSync(join(root, ".cache/readme-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the README", () => {
  it("shows typed code that compiles and prints what it says", async () => {
    const port = await freePort();
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
    expect(pieces).toHaveLength(3);
    writeFileSync(join(folder, "verify.ts"), [PRELUDE, ...pieces, USES].join("\n"));
    const files = ["client.ts", "verify.ts"].map((name) => join(folder, name));
    execFileSync(process.execPath, [tsc, ...options, ...files], { cwd: root, stdio: "inherit" });

    const running = guarded(
      spawn(process.execPath, ["--import", "tsx", "server.ts"], {
        cwd: folder,
        stdio: ["ignore", "pipe", "inherit"],
      }),
    );
    const ended = once(running, "exit");
    try {
      await Promise.race([once(running.stdout, "data"), ended]);
      const printed = execFileSync(process.execPath, ["--import", "tsx", "client.ts"], {
        cwd: folder,
        encoding: "utf8",
      });
      expect(printed).toBe(output);
    } finally {
      running.kill("SIGKILL");
      await ended;
    }
  });

  it("names the variables that there are, with their defaults", () => {
    const defaults = readConfig({});
    for (const value of [
      defaults.host,
      defaults.port,
      defaults.data,
      defaults.ttl,
      defaults.maxTtl,
      defaults.logLevel,
    ]) {
      expect(readme).toContain(`\`${value}\``);
    }
  });
});
