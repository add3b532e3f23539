import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const biome = join(root, "node_modules/@biomejs/biome/bin/biome");

/** A line of code in a room, and what the linter says of it: a part of that, or `undefined` where it says nothing. */
type Probe = [room: string, line: string, said: string | undefined];

const upwards = (room: string, target: string): Probe => [
  room,
  `import "${target}";`,
  `${room} may import only from rooms below it`,
];
const downwards = (room: string, target: string): Probe => [room, `import "${target}";`, undefined];

const PROBES: Probe[] = [
  upwards("token", "../keys/keyring.ts"),
  upwards("keys", "../store/store.ts"),
  upwards("store", "../service/service.ts"),
  upwards("service", "../router/router.ts"),
  upwards("router", "../http/server.ts"),
  upwards("http", "../client/client.ts"),
  upwards("client", "../http/server.ts"),
  upwards("http", "../main.ts"),
  upwards("service", "../config.ts"),
  downwards("token", "../errors.ts"),
  downwards("keys", "../token/jws.ts"),
  downwards("store", "../keys/key-pair.ts"),
  downwards("service", "../store/store.ts"),
  downwards("router", "../service/service.ts"),
  downwards("http", "../router/router.ts"),
  downwards("client", "../router/router.ts"),
  ["service", 'import "jose";', "jose belongs to token and keys"],
  ["keys", 'import "jose";', undefined],
  ["service", 'import "pg";', "pg belongs to store"],
  ["store", 'import "pg";', undefined],
  ["service", 'import "node:http";', "node:http belongs to http"],
  ["http", 'import "node:http";', undefined],
  ["router", "process.exit();", "Do not use the global variable process"],
  ["http", "process.env.HOME;", "noProcessEnv"],
];

/** Runs the project's linter over the lines as if each stood in its room, and gives what it says of each. */
function lint(probes: readonly Probe[]): string[] {
  const paths = probes.map(([room], at) => join(root, "src", room, `direction-probe-${at}.ts`));
  try {
    for (const [at, path] of paths.entries()) writeFileSync(path, `${probes[at]?.[1]}\n`);
    const options = ["lint", "--reporter=github", "--max-diagnostics=none", ...paths];
    const said = spawnSync(process.execPath, [biome, ...options], { cwd: root, encoding: "utf8" }).stdout.split("\n");
    return paths.map((path) => said.filter((line) => line.includes(`file=${path},`)).join("\n"));
  } finally {
    for (const path of paths) rmSync(path, { force: true });
  }
}

describe("the lint rule of the rooms", () => {
  let said: string[];
  beforeAll(() => {
    said = lint(PROBES);
  });

  it.each(PROBES.map(([room, line, wanted], at) => ({ room, line, wanted, at })))(
    "of $line in $room says $wanted",
    ({ wanted, at }) => {
      if (wanted === undefined) expect(said[at]).not.toMatch(/noRestrictedImports|noRestrictedGlobals/);
      else expect(said[at]).toContain(wanted);
    },
  );
});
