import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { build, type Format } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";
import { bundle as bundlePrograms } from "../scripts/bundle.ts";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");

/** Two servers as their owner writes them, the second after some files are copied. Says what a few requests are answered. */
const SERVERS = `
import { cpSync } from "node:fs";
import { createTokenServer, createTokenService, openSqliteStore } from "mintmark";
async function main() {
  const [data, copies] = process.argv.slice(2);
  for (const files of [[], JSON.parse(copies)]) {
    for (const [from, to] of files) cpSync(from, to);
    const service = await createTokenService({ store: await openSqliteStore(data) });
    const server = await createTokenServer(service, { port: 0 });
    for (const path of ["/trpc/getToken", "/openapi.json", "/metrics", "/", "/start.css", "/start.js", "/docs", "/docs/start.js", "/docs/docs.css", "/docs/swagger-ui.css"]) {
      const response = await fetch(server.origin + path);
      console.log(response.status, path, response.ok ? "" : await response.text());
    }
    await server.close();
  }
}
main();
`;

/** What is bundled may call `require`, which modules lack. */
const REQUIRE = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';

mkdirSync(join(root, ".cache"), { recursive: true });
const folder = mkdtempSync(join(root, ".cache/bundles-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function bundle(format: Format, file: string): Promise<string> {
  const outfile = join(folder, format, "some/where", file);
  await build({
    stdin: { contents: SERVERS, resolveDir: root },
    outfile,
    format,
    bundle: true,
    platform: "node",
    alias: { mintmark: join(dist, "index.js") },
    external: ["libsql"],
    logLevel: "silent",
    ...(format === "esm" && { banner: { js: REQUIRE } }),
  });
  return outfile;
}

/** The answers of both servers. */
function answersOf(program: string, copies: readonly [from: string, to: string][]): string[] {
  const data = join(folder, "data");
  const said = execFileSync(process.execPath, [program, data, JSON.stringify(copies)], { encoding: "utf8" });
  rmSync(data, { recursive: true });
  return said.trim().split(/\s*\n\s*/);
}

describe.each([
  ["esm", "server.mjs"],
  ["cjs", "server.cjs"],
] as const)("a server in one file (%s)", (format, file) => {
  it("serves, says which files of its pages are missing, and finds them beside itself", async () => {
    const outfile = await bundle(format, file);
    const served = ["200 /trpc/getToken", "200 /openapi.json", "200 /metrics"];
    const files = {
      "/": "pages/start.html",
      "/start.css": "pages/start.css",
      "/start.js": "pages/start.js",
      "/docs": "pages/docs.html",
      "/docs/start.js": "pages/docs.js",
      "/docs/docs.css": "pages/docs.css",
      "/docs/swagger-ui.css": "swagger-ui/swagger-ui.css",
    };
    const missing = (path: string) =>
      `A file of this page is missing: copy node_modules/mintmark/dist/${path} to ${path} beside the bundle`;
    const copies = Object.values(files).map((file): [string, string] => [
      join(dist, file),
      join(dirname(outfile), file),
    ]);
    expect(answersOf(outfile, copies)).toEqual([
      ...served,
      ...Object.entries(files).map(([path, file]) => `404 ${path} ${missing(file)}`),
      ...served,
      ...Object.keys(files).map((path) => `200 ${path}`),
    ]);
  });
});

it("a build of the same sources has the same files: it takes no chunk away that a running server has yet to load", async () => {
  const chunks = [];
  for (const name of ["dist.1", "dist.2"]) {
    const next = join(folder, name);
    cpSync(dist, next, { recursive: true, filter: (path) => !/dist\/(bin|swagger-ui|pages)$/.test(path) });
    await bundlePrograms([join(next, "index.js")], join(next, "bin"));
    chunks.push(readdirSync(join(next, "bin")));
  }
  const [first = [], second] = chunks;
  expect(first.length).toBeGreaterThan(3);
  expect(second).toEqual(first);
});

it("only one module knows its own URL, which test runners that compile to CommonJS never load", () => {
  const modules = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter(
    (path) => path.endsWith(".js") && !/^(bin|swagger-ui|pages)\//.test(path),
  );
  const knowing = modules.filter((path) => readFileSync(join(dist, path), "utf8").includes("import.meta"));
  expect(knowing).toEqual([join("http", "pages", "own-url.js")]);
});

it("the package names no file in a way that bundlers follow", async () => {
  const { metafile } = await build({
    entryPoints: [join(dist, "index.js")],
    outdir: folder,
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    packages: "external",
    metafile: true,
    logLevel: "silent",
  });
  const own = Object.keys(metafile.inputs);
  expect(own.length).toBeGreaterThan(50);
  // Webpack, Turbopack and Vite resolve `new URL("…", import.meta.url)` when they build.
  const followed = own.filter((path) => /new\s+URL\s*\([^)]*import\s*\.\s*meta/.test(readFileSync(path, "utf8")));
  expect(followed).toEqual([]);
});
