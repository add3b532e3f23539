import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const entries = Object.keys(exports).filter((name) => name.startsWith("./verifier"));

/** As bundlers for workers do: no module of a platform, and the exports for workers. */
const bundle = (entry: string, external: string[] = []) =>
  build({
    absWorkingDir: root,
    entryPoints: [join(root, exports[entry].default)],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    platform: "neutral",
    format: "esm",
    conditions: ["worker", "import"],
    mainFields: ["module", "main"],
    external,
    logLevel: "silent",
  });

/** What only some platforms have, unless it is reached by `globalThis` and may be absent. */
const OF_NODE = /\bfrom "node:|\bimport\("node:|\brequire\(|(?<![.\w"`])(Buffer|process|setImmediate|__dirname)\b/;
/** What isolates refuse while a module loads. */
const AT_LOAD =
  /^(?:export )?(?:const|let) [^=(]*= *(?:await|fetch\(|set(?:Timeout|Interval)\(|crypto\.|new AbortController)|^await /m;

const withoutComments = (code: string) => code.replace(/\/\*.*?\*\/|(?<=^|\s)\/\/ .*$/gms, "");

describe.each(entries)("mintmark %s", (entry) => {
  it("loads in a platform without the modules and names of Node, and does nothing as it loads", async () => {
    // `trpc` has names of Node in the package of tRPC, which guards them.
    const { metafile } = await bundle(entry, ["@trpc/server"]);
    const own = Object.keys(metafile.inputs).filter((path) => path.includes("dist/"));
    expect(own.length).toBeGreaterThan(3);
    for (const path of own) {
      const code = withoutComments(readFileSync(join(root, path), "utf8"));
      expect(OF_NODE.exec(code)?.[0], path).toBeUndefined();
      expect(AT_LOAD.exec(code)?.[0], path).toBeUndefined();
    }
  });
});

it("mintmark/verifier is at most 40 kB as a compressed bundle", async () => {
  const { outputFiles } = await bundle("./verifier");
  const kilobytes = gzipSync(outputFiles[0]?.contents ?? "").length / 1000;
  expect(kilobytes).toBeGreaterThan(10);
  expect(kilobytes).toBeLessThanOrEqual(40);
});
