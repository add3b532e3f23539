import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { build, type Format } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");

/** A server as its owner writes it, which says what a few requests to it are answered. */
const SERVER = `
import { createTokenServer, createTokenService, openSqliteStore } from "mintmark";
async function main() {
  const service = await createTokenService({ store: await openSqliteStore(process.argv[2]) });
  const server = await createTokenServer(service, { port: 0 });
  for (const path of ["/trpc/getToken", "/openapi.json", "/metrics", "/", "/start.css", "/start.js", "/docs", "/docs/start.js", "/docs/docs.css", "/docs/swagger-ui.css"]) {
    const response = await fetch(server.origin + path);
    console.log(response.status, path, response.ok ? "" : await response.text());
  }
  await server.close();
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
    stdin: { contents: SERVER, resolveDir: root },
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

function answersOf(program: string): string[] {
  const data = join(folder, "data");
  const said = execFileSync(process.execPath, [program, data], { encoding: "utf8" });
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
    expect(answersOf(outfile)).toEqual([
      ...served,
      ...Object.entries(files).map(([path, file]) => `404 ${path} ${missing(file)}`),
    ]);
    for (const file of Object.values(files)) cpSync(join(dist, file), join(dirname(outfile), file));
    expect(answersOf(outfile)).toEqual([...served, ...Object.keys(files).map((path) => `200 ${path}`)]);
  });
});

/** Bundles as the build does: `node -e` with the script, a program and a folder. */
const BUNDLE =
  "const [script, program, folder] = process.argv.slice(1); await (await import(script)).bundle([program], folder);";

it("a build of the same sources has the same files: it takes no chunk away that a running server has yet to load", () => {
  const [first = [], second] = ["dist.1", "dist.2"].map((name) => {
    const next = join(folder, name);
    cpSync(dist, next, { recursive: true, filter: (path) => !/dist\/(bin|swagger-ui|pages)$/.test(path) });
    const script = [join(root, "scripts/bundle.ts"), join(next, "index.js"), join(next, "bin")];
    execFileSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", BUNDLE, ...script]);
    return readdirSync(join(next, "bin"));
  });
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
