import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseEnv } from "node:util";
import { describe, expect, it } from "vitest";
import { readConfig } from "../src/program/config.ts";
import { documents } from "./support/documents.ts";
import { blockOf, replaceAll } from "./support/guide.ts";
import { testWith } from "./support/optional.ts";
import { startServer } from "./support/process.ts";
import { temporaryFolder } from "./support/service.ts";

const GUIDE = "docs/deployment.md";
const root = join(import.meta.dirname, "..");
const IMAGE = blockOf(GUIDE, "dockerfile", "FROM");
const MODULE = "/opt/mintmark/node_modules/mintmark/";

describe("the deployment guide", () => {
  it("gives an environment that the server takes, once it has a key-encryption key", () => {
    const environment = parseEnv(blockOf(GUIDE, "ini", "MINTMARK_ISSUER"));
    expect(() => readConfig(environment)).toThrow(/^MINTMARK_KEK must be 32 bytes/);
    const config = readConfig({ ...environment, MINTMARK_KEK: Buffer.alloc(32, 7).toString("base64url") });
    expect(config).toMatchObject({ host: "127.0.0.1", port: 3000, access: "clients", data: "/var/lib/mintmark" });
    expect(config.trustProxy).toEqual(["loopback"]);
  });

  it("gives an address of PostgreSQL that takes the place of the embedded database", () => {
    const { DATABASE_URL = "" } = parseEnv(blockOf(GUIDE, "ini", "DATABASE_URL"));
    expect(readConfig({ DATABASE_URL, MINTMARK_KEK: "none" })).toMatchObject({ databaseUrl: DATABASE_URL });
  });

  it("gives a Pod an environment that the server takes, with files for secrets, and time enough to stop", () => {
    using folder = temporaryFolder();
    const pod = blockOf(GUIDE, "yaml", "terminationGracePeriodSeconds");
    const set = [...pod.matchAll(/\{ name: (\w+), value: "?(.*?)"? \}/g)].map(([, name = "", value = ""]) => [
      name,
      value,
    ]);
    const secrets = {
      "/run/secrets/mintmark/kek": Buffer.alloc(32, 7).toString("base64"),
      "/run/secrets/mintmark/admin-secret": "a-secret-of-more-than-32-bytes-in-length",
      "/run/secrets/mintmark/database-url": "postgres://mintmark:secret@db.internal/mintmark",
    };
    const files = Object.entries(secrets).map(([path, content]) => {
      const file = join(folder.path, basename(path));
      writeFileSync(file, `${content}\n`);
      return [path, file] as const;
    });
    const config = readConfig(
      JSON.parse(replaceAll(JSON.stringify(Object.fromEntries(set)), Object.fromEntries(files))),
    );
    expect(config).toMatchObject({ host: "0.0.0.0", port: 3000, access: "clients", adminSecret: expect.any(String) });
    expect([config.databaseUrl, config.kek?.length]).toEqual([secrets["/run/secrets/mintmark/database-url"], 32]);
    const [, grace] = /terminationGracePeriodSeconds: (\d+)/.exec(pod) ?? [];
    expect(Number(grace)).toBeGreaterThanOrEqual(config.drain + 15);
  });

  it("gives an image a program of the package, an environment that the server takes, and a user that is not root", () => {
    const [node, program = ""] = JSON.parse(/^CMD (.+)$/m.exec(IMAGE)?.[1] ?? "");
    expect([node, existsSync(join(root, program.replace(/^node_modules\/mintmark\//, "")))]).toEqual(["node", true]);
    const environment = parseEnv((/^ENV (.+)$/m.exec(IMAGE)?.[1] ?? "").replaceAll(" ", "\n"));
    expect(() => readConfig(environment)).toThrow(/MINTMARK_ISSUER/);
    const config = readConfig({ ...environment, MINTMARK_ISSUER: "https://tokens.example" });
    expect(config).toMatchObject({ host: "0.0.0.0", access: "clients", data: "/data" });
    expect(IMAGE).toMatch(/^USER [1-9]/m);
  });

  it("gives an image a health check that passes while the server is up", async () => {
    using folder = temporaryFolder();
    const server = await startServer({ MINTMARK_DATA: join(folder.path, "data") });
    const command = /^HEALTHCHECK CMD (.+)$/m.exec(IMAGE)?.[1] ?? "";
    const [, ...words] = JSON.parse(replaceAll(command, { "http://127.0.0.1:3000": server.origin }));
    const check = () => spawnSync(process.execPath, words).status;
    expect(check()).toBe(0);
    await server.stop("SIGTERM");
    expect(check()).toBe(1);
  });

  it("starts a program that is in the package", () => {
    const [, program = ""] = /^ExecStart=\S+ (\S+)$/m.exec(blockOf(GUIDE, "ini", "[Unit]")) ?? [];
    expect(program.startsWith(MODULE)).toBe(true);
    expect(existsSync(join(root, program.slice(MODULE.length)))).toBe(true);
  });

  const systemd = spawnSync("systemd-analyze", ["--version"]);
  const testUnit = testWith({ program: "systemd-analyze", found: systemd.status === 0, required: false });
  testUnit("gives a unit in which systemd finds no fault and little that it could still do", async () => {
    using folder = temporaryFolder();
    const unit = join(folder.path, "mintmark.service");
    const built = `${root}/dist/`;
    const places = { "/usr/bin/node": process.execPath, [`${MODULE}dist/`]: built };
    writeFileSync(unit, replaceAll(blockOf(GUIDE, "ini", "[Unit]"), places));
    const analyze = (...words: string[]) => spawnSync("systemd-analyze", [...words, unit], { encoding: "utf8" });
    expect(analyze("verify", "--man=no")).toMatchObject({ status: 0, stderr: "" });
    // Of 100 points, 0 is nothing at all.
    expect(analyze("security", "--offline=true", "--threshold=15", "--no-pager")).toMatchObject({ status: 0 });
  });
});

describe("the documents", () => {
  it.each(documents)("%s installs the package as the file that `npm run pack` makes", (document) => {
    const { name, version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const text = readFileSync(join(root, document), "utf8");
    const files = [...text.matchAll(/mintmark-([\w.]+)\.tgz/g)].map(([file]) => file);
    for (const file of files) expect([`${name}-${version}.tgz`, "mintmark-VERSION.tgz"]).toContain(file);
    expect(text).not.toMatch(/npm install(?: [^\s`]+)* mintmark(?:@[^\s`]+)?[ `\n]/);
  });
});
