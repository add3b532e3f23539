import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { StartError } from "../../errors.ts";
import { failureCode } from "../failure-code.ts";
import { fileRemedy, inBrackets } from "../remedies.ts";

/** Permission bits. */
const WORLD = 0o007;
const OTHERS = 0o077;
const WORLD_WRITE = 0o002;
const SETGID = 0o2000;

/** Entries that systems and tools create by themselves, beside dot files. */
const IGNORED = new Set([
  "lost+found",
  "Thumbs.db",
  "ehthumbs.db",
  "desktop.ini",
  "$RECYCLE.BIN",
  "System Volume Information",
  "@eaDir",
  "#recycle",
  "#snapshot",
  "aquota.user",
  "aquota.group",
]);

/**
 * Prepares a folder for files that begin with `prefix` and returns its absolute path. Sets mode 0700 on the folder and 0600
 * on the files; a setgid folder is shared with a group, whose permissions stay. Does not change what belongs to another
 * user. Throws a {@link StartError} where everybody could read or replace the files, where the folder cannot be used, and
 * where it holds other files.
 */
export function prepareDataDirectory(name: string, prefix: string): string {
  const folder = fullPath(name);
  try {
    makeFolder(folder);
    const entries = readdirSync(folder).filter((entry) => !isIgnored(entry));
    if (!entries.every((entry) => entry.startsWith(prefix))) {
      throw new StartError(`MINTMARK_DATA is ${folder}, which holds other files: name an empty folder or a new one`);
    }
    const isShared = (statSync(folder).mode & SETGID) !== 0;
    const removed = isShared ? WORLD : OTHERS;
    restrict(folder, { excess: removed, forbidden: WORLD_WRITE });
    for (const entry of entries) restrict(resolve(folder, entry), { excess: removed, forbidden: WORLD });
    return folder;
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    const code = failureCode(cause);
    const remedy = fileRemedy(code, "name a folder that this user can write");
    throw new StartError(`MINTMARK_DATA is ${folder}, which cannot be used${inBrackets(code)}: ${remedy}`);
  }
}

/** The absolute path of a folder. Throws a {@link StartError} where the working directory was deleted. */
export function fullPath(name: string): string {
  try {
    return resolve(name);
  } catch {
    throw new StartError(
      "The working directory was deleted: start in another one, or set MINTMARK_DATA to an absolute path",
    );
  }
}

/** Not `recursive`: Node then loops forever on file systems that report an existing parent as missing. */
function makeFolder(folder: string): void {
  const parent = dirname(folder);
  if (!existsSync(parent) && parent !== folder) makeFolder(parent);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (cause) {
    if (errorCode(cause) !== "EEXIST") throw cause;
  }
}

function isIgnored(entry: string): boolean {
  return entry.startsWith(".") || IGNORED.has(entry);
}

type Permissions = { excess: number; forbidden: number };

/**
 * Removes permissions; only the owner can. Throws a {@link StartError} where a forbidden one stays. A file that is missing
 * by then was a draft of another process.
 */
function restrict(path: string, { excess, forbidden }: Permissions): void {
  const mode = (statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o7777;
  if ((mode & excess) === 0) return;
  try {
    chmodSync(path, mode & ~excess);
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return;
    if (errorCode(cause) !== "EPERM") throw cause;
    if ((mode & forbidden) === 0) return;
    throw new StartError(
      `${path} is accessible to all users and belongs to another user: let its owner run  chmod o-rwx ${path}`,
    );
  }
}

/** The code of a system or database error, such as `EACCES`. Contains nothing secret. */
export function errorCode(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? code : "unknown error";
}
