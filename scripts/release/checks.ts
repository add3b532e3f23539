import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Returns its observation. Throws the fault. */
export type Check = () => string;

type Manifest = Partial<Record<Dependencies, Record<string, string>>> & { version: string; files: string[] };
type Dependencies = (typeof DEPENDENCIES)[number];
type Locked = { version?: string; integrity?: string; resolved?: string; link?: boolean };

const DEPENDENCIES = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"] as const;
const VERSION = /^\d+\.\d+\.\d+(-[\w.]+)?$/;
/** npm packs these whatever `files` says. */
const ALWAYS_PACKED = ["README.md", "LICENSE", "package.json"];
const SECRET_FILE = /(^|\/)(\.env|\.npmrc|\.mintmark)(\.|\/|$)|\.(pem|key|p12|pfx)$/;
const SECRET_TEXT = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\r?\n[\w+/]|_authToken=/;

/** The checks that need seconds, of the package in a folder. */
export function fastChecks(root: string): Record<string, Check> {
  const read = (name: string) => readFileSync(join(root, name), "utf8");
  const manifest = () => JSON.parse(read("package.json")) as Manifest;
  const run = (program: string, ...words: string[]) =>
    execFileSync(program, words, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();

  return {
    "the work tree is clean, on main": () => {
      const branch = run("git", "branch", "--show-current");
      if (branch !== "main") throw new Error(`the branch is ${branch || "detached"}`);
      const changed = run("git", "status", "--porcelain");
      if (changed !== "") throw new Error(`uncommitted: ${inOneLine(changed.split("\n"))}`);
      return run("git", "log", "-1", "--format=%h %s");
    },
    "the version is later than the last tag": () => {
      const { version } = manifest();
      if (!VERSION.test(version)) throw new Error(`${version} is no semantic version`);
      const tags = run("git", "tag", "--list", "v*").split("\n").filter(Boolean);
      const earlier = tags.map((tag) => tag.slice(1)).filter((tagged) => !isLater(version, tagged));
      if (earlier.length > 0) throw new Error(`${version} is not later than ${inOneLine(earlier)}`);
      return `${version}, after ${tags.length} tags`;
    },
    "CHANGELOG.md has a dated section for the version": () => {
      const { version } = manifest();
      const [, date, text = ""] = sectionOf(read("CHANGELOG.md"), version) ?? [];
      if (date === undefined) throw new Error(`write  ## [${version}] - YYYY-MM-DD`);
      if (Number.isNaN(Date.parse(date))) throw new Error(`${date} is no date`);
      if (!/^- /m.test(text)) throw new Error("the section lists no change");
      return date;
    },
    "the lock file agrees with package.json": () => {
      const { packages } = JSON.parse(read("package-lock.json")) as { packages: Record<string, Manifest> };
      const [own, locked] = [manifest(), packages[""]];
      for (const field of ["version", ...DEPENDENCIES] as const)
        if (asText(own[field]) !== asText(locked?.[field])) throw new Error(`${field} differs: run  npm install`);
      return `${Object.keys(packages).length - 1} packages`;
    },
    "every dependency comes from the registry": () => {
      const { packages } = JSON.parse(read("package-lock.json")) as { packages: Record<string, Locked> };
      const foreign = Object.entries(packages).filter(([path, locked]) => path !== "" && !isFromRegistry(locked));
      if (foreign.length > 0) throw new Error(inOneLine(foreign.map(([path]) => path)));
      return "each with its integrity";
    },
    "the package holds what `files` says, and no secret": () => {
      const { files } = manifest();
      const [packed] = JSON.parse(run("npm", "pack", "--dry-run", "--json", "--ignore-scripts")) as [Packed];
      const paths = packed.files.map(({ path }) => path);
      const isIn = (path: string, entry: string) => path === entry || path.startsWith(`${entry}/`);
      const listed = [...files, ...ALWAYS_PACKED];
      const absent = listed.filter((entry) => !paths.some((path) => isIn(path, entry)));
      if (absent.length > 0) throw new Error(`absent: ${inOneLine(absent)}`);
      const surplus = paths.filter((path) => !listed.some((entry) => isIn(path, entry)));
      if (surplus.length > 0) throw new Error(`not in files: ${inOneLine(surplus)}`);
      const secret = paths.filter((path) => SECRET_FILE.test(path) || SECRET_TEXT.test(read(path)));
      if (secret.length > 0) throw new Error(`secret: ${inOneLine(secret)}`);
      return `${paths.length} files`;
    },
  };
}

type Packed = { files: { path: string }[] };

/** Compares semantic versions: 1.10.0 is later than 1.9.0, and 1.0.0 than 1.0.0-rc.1. */
function isLater(version: string, other: string): boolean {
  const [[core = "", pre], [otherCore = "", otherPre]] = [version.split("-"), other.split("-")];
  const order = core.localeCompare(otherCore, "en", { numeric: true });
  if (order !== 0) return order > 0;
  if (pre === undefined || otherPre === undefined) return otherPre !== undefined;
  return pre.localeCompare(otherPre, "en", { numeric: true }) > 0;
}

/** The section of a version: its heading, its date and its text. */
function sectionOf(changelog: string, version: string): RegExpExecArray | null {
  const heading = `^## \\[${version.replaceAll(".", "\\.")}\\] - (\\d{4}-\\d{2}-\\d{2})$`;
  return new RegExp(`${heading}((?:\\n(?!## ).*)*)`, "m").exec(changelog);
}

/** A lock file without `resolved` takes the package from the registry by its name and version. */
function isFromRegistry({ version = "", integrity, resolved, link }: Locked): boolean {
  const isTarball = resolved === undefined || /^https:\/\/[^?#]*\/-\/[^/]+\.tgz$/.test(resolved);
  return VERSION.test(version.replace(/\+.*/, "")) && integrity !== undefined && link !== true && isTarball;
}

function asText(value: unknown): string {
  return JSON.stringify(value, typeof value === "object" && value !== null ? Object.keys(value).sort() : undefined);
}

function inOneLine(items: readonly string[]): string {
  const shown = items.slice(0, 5).map((item) => item.trim());
  return shown.join(", ") + (items.length > 5 ? `, and ${items.length - 5} more` : "");
}
