import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

/** The fields of package.json that are for a checkout alone. */
const FOR_A_CHECKOUT = ["private", "devDependencies", "knip", "scarfSettings", "allowScripts", "overrides"];

/**
 * Packs the built package into a folder. Returns the file. Its manifest has no `prepare`, which package managers take for
 * a script that an install runs, and nothing else that is for a checkout alone.
 */
export function pack(folder: string): string {
  const work = mkdtempSync(join(tmpdir(), "mintmark-pack-"));
  try {
    const staged = join(work, "package");
    mkdirSync(staged);
    execFileSync("tar", ["-xzf", npmPack(ROOT, work), "-C", staged, "--strip-components=1"]);
    const file = join(staged, "package.json");
    writeFileSync(file, `${JSON.stringify(publishedManifest(JSON.parse(readFileSync(file, "utf8"))), undefined, 2)}\n`);
    return npmPack(staged, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

type Manifest = Record<string, unknown> & { scripts: Record<string, string> };

function publishedManifest(manifest: Manifest): object {
  const kept = Object.entries(manifest).filter(([field]) => !FOR_A_CHECKOUT.includes(field));
  return { ...Object.fromEntries(kept), scripts: { start: manifest.scripts.start } };
}

function npmPack(source: string, folder: string): string {
  const words = ["pack", source, "--json", "--pack-destination", folder, "--ignore-scripts"];
  const [{ filename }] = JSON.parse(execFileSync("npm", words, { cwd: ROOT, encoding: "utf8" }));
  return join(folder, filename);
}
