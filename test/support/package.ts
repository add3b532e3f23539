import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

/** All that may be in the package. */
const ALLOWED = [
  /^((CHANGELOG|CONTRIBUTING|README)\.md|LICENSE|package\.json)$/,
  /^docs\/(guides\/)?[a-z-]+\.(md|png|svg)$/,
  /^dist\/bin\/((main|mintmark|[a-z-]+-[A-Z0-9]{8})\.js|LICENSES\.txt)$/,
  /^dist\/(async|client|http|keys|router|service|store|testing|token|trust|verifier)\/([a-z]+\/)?[a-z-]+\.(js|d\.ts)$/,
  /^dist\/(errors|index|postgres|sqlite|time)\.(js|d\.ts)$/,
  /^dist\/pages\/(start\.(html|css|js)|docs\.(html|js))$/,
  /^dist\/swagger-ui\/(swagger-ui(-bundle\.js|\.css|-bundle\.js\.LICENSE\.txt)|LICENSE|NOTICE)$/,
];

/** What stands in no file: where it was made, and references to maps that are not there. */
const FORBIDDEN = [
  [ROOT, "the folder it was made in"],
  ["\n//# sourceMappingURL=", "a reference to a map"],
  ["-----BEGIN PRIVATE KEY-----\n", "a private key"],
] as const;

/** Packs what would be published into a folder, and gives the file. */
export function pack(folder: string): string {
  const words = ["pack", "--json", "--pack-destination", folder, "--ignore-scripts"];
  const [{ filename }] = JSON.parse(execFileSync("npm", words, { cwd: ROOT, encoding: "utf8" }));
  return join(folder, filename);
}

/** Looks into a package, and says what it has. Throws where there is something that does not belong there. */
export function inspect(tarball: string, folder: string): string {
  mkdirSync(folder);
  execFileSync("tar", ["-xzf", tarball, "-C", folder, "--strip-components=1"]);
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  );
  for (const name of files) {
    if (!ALLOWED.some((pattern) => pattern.test(name))) throw new Error(`${name} does not belong there`);
    const text = readFileSync(join(folder, name), "utf8");
    for (const [words, what] of FORBIDDEN) if (text.includes(words)) throw new Error(`${name} has ${what} in it`);
  }
  return `${files.length} files, ${(statSync(tarball).size / 1024 / 1024).toFixed(1)} MB packed`;
}
