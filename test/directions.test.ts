import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";

const SRC = join(import.meta.dirname, "../src");

/** The rooms of `src` from the ground up. A file imports from its own room and from those below it. */
const ROOMS = [
  "errors.ts|explanations.ts|time.ts",
  "async",
  "token",
  "keys",
  "trust",
  "remote",
  "verifier",
  "store",
  "service",
  "router|oauth",
  "testing",
  "http",
  "client",
  "program",
  "cli",
  "index.ts|sqlite.ts|postgres.ts|router.ts",
];

/** What only some rooms may use. */
const RESERVED: Record<string, readonly string[]> = {
  jose: ["token", "keys"],
  kysely: ["store"],
  libsql: ["store"],
  pg: ["store"],
  "node:dns": ["remote"],
  "node:http": ["http", "remote", "cli"],
  "node:https": ["remote"],
  "openid-client": ["oauth", "cli"],
  process: ["http", "program", "cli"],
};

type Source = { file: string; imports: string[]; uses: string[] };

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const sources = files.map((file): Source => {
  const code = readFileSync(join(SRC, file), "utf8").replace(/\/\*.*?\*\/|\/\/ .*$/gms, "");
  const named = [...code.matchAll(/\b(?:from|import|import\() ?"([^"]+)"/g)].map(([, target = ""]) => target);
  const [imports, packages] = [true, false].map((isOwn) => named.filter((target) => target.startsWith(".") === isOwn));
  return {
    file,
    imports: (imports ?? []).map((target) => join(dirname(file), target)),
    uses: [...(packages ?? []), ...(/(?<![.\w"])process\./.test(code) ? ["process"] : [])],
  };
});

const roomOf = (file: string) => ROOMS.findIndex((room) => room.split("|").includes(file.split("/")[0] ?? ""));
const mayUse = (name: string, file: string) => RESERVED[name]?.includes(file.split("/")[0] ?? "") ?? true;

it("puts every file of src into a room", () => {
  expect(sources.filter(({ file }) => roomOf(file) < 0).map(({ file }) => file)).toEqual([]);
  expect(sources.length).toBeGreaterThan(150);
});

it("lets imports run downwards", () => {
  const upwards = sources.flatMap(({ file, imports }) =>
    imports.filter((target) => roomOf(target) > roomOf(file)).map((target) => `${file} -> ${target}`),
  );
  expect(upwards).toEqual([]);
});

it("lets neither face of the service know the other", () => {
  const importsBetween = (from: string, to: string) =>
    sources
      .filter(({ file }) => file.startsWith(from))
      .flatMap(({ imports }) => imports.filter((one) => one.startsWith(to)));
  expect([...importsBetween("router/", "oauth/"), ...importsBetween("oauth/", "router/")]).toEqual([]);
});

it("lets no file import itself by way of others", () => {
  const importsOf = new Map(sources.map(({ file, imports }) => [file, imports]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]) => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
    else if (!done.has(file)) for (const target of importsOf.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const { file } of sources) visit(file, []);
  expect(circles).toEqual([]);
});

it("keeps databases, sockets, keys and the process to the rooms they belong to", () => {
  const misplaced = sources.flatMap(({ file, uses }) =>
    uses.filter((name) => !mayUse(name, file)).map((name) => `${file} uses ${name}`),
  );
  expect(misplaced).toEqual([]);
});

it("loads the client of OpenID providers only where it is needed", () => {
  const all = files.map((file) => readFileSync(join(SRC, file), "utf8")).join("\n");
  const imports = all.match(/^import .*from "openid-client";$/gm) ?? [];
  expect(imports.filter((line) => !line.startsWith("import type "))).toEqual([]);
  expect(imports).not.toEqual([]);
});

const ROOT = join(SRC, "..");

/** The imports of one folder of the project that lead into another. */
function importsInto(from: string, to: string): string[] {
  const own = readdirSync(join(ROOT, from), { recursive: true, encoding: "utf8" }).filter((file) =>
    /(?<!node_modules.*)\.(ts|js)$/.test(file),
  );
  return own.flatMap((file) => {
    const path = join(from, file);
    const code = readFileSync(join(ROOT, path), "utf8");
    const targets = [...code.matchAll(/\b(?:from|import|import\() ?"(\.[^"]+)"/g)].map(([, target = ""]) => target);
    return targets.map((target) => join(dirname(path), target)).filter((target) => target.startsWith(`${to}/`));
  });
}

it("lets tests import no scripts but those they are about, and scripts nothing of the tests but their support", () => {
  expect(importsInto("test", "scripts").sort()).toEqual(["scripts/bundle.ts", "scripts/release/checks.ts"]);
  expect(importsInto("src", "scripts").concat(importsInto("src", "test"))).toEqual([]);
  expect(importsInto("scripts", "test").filter((target) => !target.startsWith("test/support/"))).toEqual([]);
});
