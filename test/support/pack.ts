import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

/** The fields of package.json that are for a checkout alone. */
const FOR_A_CHECKOUT = ["private", "devDependencies", "knip", "scarfSettings", "allowScripts", "overrides"];

/** npm packs these whatever `files` says. */
const ALWAYS_PACKED = ["README.md", "LICENSE"];

/**
 * Packs the built package into a folder. Returns the file. Its manifest has no `prepare`, which package managers take for
 * a script that an install runs, and nothing else that is for a checkout alone.
 */
export function pack(folder: string): string {
  const staged = mkdtempSync(join(tmpdir(), "mintmark-pack-"));
  try {
    const manifest: Manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    for (const name of [...manifest.files, ...ALWAYS_PACKED])
      cpSync(join(ROOT, name), join(staged, name), { recursive: true });
    writeFileSync(join(staged, "package.json"), `${JSON.stringify(publishedManifest(manifest), undefined, 2)}\n`);
    return npmPack(staged, folder);
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
}

type Manifest = Record<string, unknown> & { files: string[]; scripts: Record<string, string> };

function publishedManifest(manifest: Manifest): object {
  const kept = Object.entries(manifest).filter(([field]) => !FOR_A_CHECKOUT.includes(field));
  return { ...Object.fromEntries(kept), scripts: { start: manifest.scripts.start } };
}

function npmPack(source: string, folder: string): string {
  const words = ["pack", source, "--json", "--pack-destination", folder, "--ignore-scripts"];
  const [{ filename }] = JSON.parse(execFileSync("npm", words, { cwd: ROOT, encoding: "utf8" }));
  return join(folder, filename);
}
