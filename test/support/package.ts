import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

/** The files of the package. */
const ALLOWED = [
  /^((CHANGELOG|CONTRIBUTING|README)\.md|LICENSE|package\.json)$/,
  /^docs\/(guides\/)?[a-z-]+\.(md|png|svg)$/,
  /^dist\/bin\/((main|mintmark|[a-z-]+-[A-Z0-9]{8})\.js|LICENSES\.txt)$/,
  /^dist\/(async|client|http|keys|oauth|remote|router|service|store|testing|token|trust|verifier)\/([a-z-]+\/){0,2}[a-z-]+\.(js|d\.ts)$/,
  /^dist\/(errors|explanations|index|postgres|router|sqlite|time)\.(js|d\.ts)$/,
  /^dist\/pages\/(start\.(html|css|js)|docs\.(html|css|js)|sign-in\.css|form-post\.js)$/,
  /^dist\/swagger-ui\/(swagger-ui(-bundle\.js|\.css|-bundle\.js\.LICENSE\.txt)|LICENSE|NOTICE)$/,
];

/** Texts that no file contains. */
const FORBIDDEN = [
  [ROOT, "the path of this folder"],
  ["\n//# sourceMappingURL=", "a reference to a map"],
  ["-----BEGIN PRIVATE KEY-----\n", "a private key"],
] as const;

/** Unpacks a package and describes it. Throws for a file that is not listed, or that contains a forbidden text. */
export function inspect(tarball: string, folder: string): string {
  mkdirSync(folder);
  execFileSync("tar", ["-xzf", tarball, "-C", folder, "--strip-components=1"]);
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  );
  for (const name of files) {
    if (!ALLOWED.some((pattern) => pattern.test(name))) throw new Error(`${name} is not a file of the package`);
    const text = readFileSync(join(folder, name), "utf8");
    for (const [words, what] of FORBIDDEN) if (text.includes(words)) throw new Error(`${name} has ${what} in it`);
  }
  return `${files.length} files, ${(statSync(tarball).size / 1024 / 1024).toFixed(1)} MB packed`;
}
