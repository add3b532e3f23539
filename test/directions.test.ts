import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const biome = join(root, "node_modules/@biomejs/biome/bin/biome");

const written: string[] = [];
afterAll(() => {
  for (const path of written) rmSync(path, { force: true });
});

/** Runs the project's linter over one line of code as if it stood in a room. */
function lint(room: string, line: string): string {
  const path = join(root, "src", room, "direction-probe.ts");
  written.push(path);
  writeFileSync(path, `${line}\n`);
  const { stdout, stderr } = spawnSync(process.execPath, [biome, "lint", path], { cwd: root, encoding: "utf8" });
  rmSync(path);
  return stdout + stderr;
}

describe("the lint rule of the rooms", () => {
  it.each([
    ["token", "../keys/keyring.ts"],
    ["keys", "../store/store.ts"],
    ["store", "../service/service.ts"],
    ["service", "../router/router.ts"],
    ["router", "../http/server.ts"],
    ["http", "../client/client.ts"],
    ["client", "../http/server.ts"],
    ["http", "../main.ts"],
    ["service", "../config.ts"],
  ])("refuses an import from %s up to %s", (room, target) => {
    expect(lint(room, `import "${target}";`)).toContain(`${room} may import only from rooms below it`);
  });

  it.each([
    ["token", "../errors.ts"],
    ["keys", "../token/jws.ts"],
    ["store", "../keys/key-pair.ts"],
    ["service", "../store/store.ts"],
    ["router", "../service/service.ts"],
    ["http", "../router/router.ts"],
    ["client", "../router/router.ts"],
  ])("allows an import from %s down to %s", (room, target) => {
    expect(lint(room, `import "${target}";`)).not.toContain("noRestrictedImports");
  });

  it("keeps jose in token and keys, the databases in store, node:http in http, and the process out of the rooms below", () => {
    expect(lint("service", 'import "jose";')).toContain("jose belongs to token and keys");
    expect(lint("keys", 'import "jose";')).not.toContain("noRestrictedImports");
    expect(lint("service", 'import "pg";')).toContain("pg belongs to store");
    expect(lint("store", 'import "pg";')).not.toContain("noRestrictedImports");
    expect(lint("service", 'import "node:http";')).toContain("node:http belongs to http");
    expect(lint("http", 'import "node:http";')).not.toContain("noRestrictedImports");
    expect(lint("router", "process.exit();")).toContain("process belongs to http, main, cli and config");
    expect(lint("http", "process.env.HOME;")).toContain("noProcessEnv");
  });
});
