import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative } from "node:path";
import { expect, it } from "vitest";

const dist = join(import.meta.dirname, "../../dist");

const IMPORT = /^(?:import|export)\s(?:[^"';]*?\sfrom\s)?"([^"]+)"|\bimport\(\s*["']([^"']+)["']/gm;

type Graph = { own: Set<string>; foreign: Set<string> };
const empty = (): Graph => ({ own: new Set(), foreign: new Set() });

/** The modules that a module loads: own ones by their paths in dist, and foreign ones by name. */
function graphOf(path: string, { seen = empty(), lazily = true }: { seen?: Graph; lazily?: boolean } = {}): Graph {
  if (seen.own.has(relative(dist, path))) return seen;
  seen.own.add(relative(dist, path));
  for (const [, still, lazy] of readFileSync(path, "utf8").matchAll(IMPORT)) {
    const name = still ?? (lazily ? lazy : undefined) ?? "";
    if (name.startsWith(".")) graphOf(join(dirname(path), name), { seen, lazily });
    else if (name !== "") seen.foreign.add(name);
  }
  return seen;
}

it("mintmark/verifier loads no server, store or database code, no module of Node, and two packages", () => {
  const { exports, dependencies } = JSON.parse(readFileSync(join(dist, "../package.json"), "utf8"));
  const { own, foreign } = graphOf(join(dist, "..", exports["./verifier"].default));
  const rooms = new Set([...own].map((path) => path.split("/").slice(0, -1).join("/")));
  expect([...rooms].sort()).toEqual([
    "",
    "async",
    "keys",
    "remote",
    "token",
    "trust",
    "verifier",
    "verifier/middleware",
    "verifier/source",
  ]);
  expect([...foreign].filter(isBuiltin)).toEqual([]);
  expect([...foreign].sort()).toEqual(["eventsource-parser", "zod/mini", "zod/v4/core"]);
  // The rest is optional, except the client's `eventsource`.
  expect(Object.keys(dependencies)).toEqual(["eventsource", "eventsource-parser", "jose"]);
});

it("mintmark/client loads only the encoding of credentials and the checks of URLs", () => {
  const { own } = graphOf(join(dist, "client/client.js"));
  expect([...own].sort()).toEqual([
    "client/client.js",
    "errors.js",
    "token/client-secret-basic.js",
    "token/http-url.js",
  ]);
});

it("mintmark/router loads neither the HTTP server nor a log nor a database, and nothing of Node", () => {
  const { own, foreign } = graphOf(join(dist, "router.js"));
  expect([...own].filter((path) => /^(?:http|program|client|store)\//.test(path))).toEqual(["store/client.js"]);
  expect([...foreign].sort()).toEqual(["@trpc/server", "zod", "zod/mini", "zod/v4/core"]);
});

const DRIVERS = ["kysely", "libsql", "pg"];

it.each([
  [".", []],
  ["./sqlite", ["kysely", "libsql"]],
  ["./postgres", ["kysely", "pg"]],
])("mintmark (%s) loads the drivers %j on import", (entry, drivers) => {
  const { exports } = JSON.parse(readFileSync(join(dist, "../package.json"), "utf8"));
  const { foreign } = graphOf(join(dist, "..", exports[entry].default), { lazily: false });
  expect(DRIVERS.filter((name) => foreign.has(name))).toEqual(drivers);
});

it("mintmark/verifier/mcp loads neither the MCP SDK nor anything of Node", () => {
  const { own, foreign } = graphOf(join(dist, "verifier/middleware/mcp.js"));
  expect([...own].filter((path) => /^(?:service|store|http|remote)\//.test(path))).toEqual([]);
  expect([...foreign].sort()).toEqual(["zod/mini", "zod/v4/core"]);
});
