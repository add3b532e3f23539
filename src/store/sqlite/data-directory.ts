import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { StartError } from "../../errors.ts";
import { failureCode } from "../failure-code.ts";
import { fileRemedy, inBrackets } from "../remedies.ts";

/** Permission bits: of everybody, of everybody and the group, to write for everybody, and of a folder that a group shares. */
const WORLD = 0o007;
const OTHERS = 0o077;
const WORLD_WRITE = 0o002;
const SETGID = 0o2000;

/** What systems and tools leave in folders by themselves, beside all that begins with a dot. */
const STRAY = new Set([
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
 * Prepares a folder for files that begin with `prefix`, and gives its full path. The folder becomes 0700 and those files
 * 0600; where the setgid bit says that a group shares the folder, the group keeps what it may. What belongs to another user
 * stays as it is. Throws a {@link StartError} where everybody could read the files or replace them, where the folder cannot
 * be used, and where it holds files of something else, which stay as they are.
 */
export function prepareDataDirectory(name: string, prefix: string): string {
  const folder = fullPath(name);
  try {
    makeFolder(folder);
    const entries = readdirSync(folder).filter((entry) => !isStray(entry));
    if (!entries.every((entry) => entry.startsWith(prefix))) {
      throw new StartError(`MINTMARK_DATA is ${folder}, which holds other files: name an empty folder or a new one`);
    }
    const isShared = (statSync(folder).mode & SETGID) !== 0;
    const excess = isShared ? WORLD : OTHERS;
    close(folder, { excess, intolerable: WORLD_WRITE });
    for (const entry of entries) close(resolve(folder, entry), { excess, intolerable: WORLD });
    return folder;
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    const code = failureCode(cause);
    const remedy = fileRemedy(code, "name a folder that this user can write");
    throw new StartError(`MINTMARK_DATA is ${folder}, which cannot be used${inBrackets(code)}: ${remedy}`);
  }
}

/** The full path of a folder. Throws a {@link StartError} where the folder that this process stands in is gone. */
export function fullPath(name: string): string {
  try {
    return resolve(name);
  } catch {
    throw new StartError(
      "The folder that this was started in is gone: start it in another, or give MINTMARK_DATA a whole path",
    );
  }
}

/** Not by `recursive`: with it, Node tries for ever where a file system says that there is no parent though there is. */
function makeFolder(folder: string): void {
  const parent = dirname(folder);
  if (!existsSync(parent) && parent !== folder) makeFolder(parent);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (cause) {
    if (errorCode(cause) !== "EEXIST") throw cause;
  }
}

function isStray(entry: string): boolean {
  return entry.startsWith(".") || STRAY.has(entry);
}

type Permissions = { excess: number; intolerable: number };

/**
 * Takes permissions away, which only the owner of a file can. Throws a {@link StartError} where some must not be left. A
 * file that is gone by then was a draft of another start.
 */
function close(path: string, { excess, intolerable }: Permissions): void {
  const mode = (statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o7777;
  if ((mode & excess) === 0) return;
  try {
    chmodSync(path, mode & ~excess);
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return;
    if (errorCode(cause) !== "EPERM") throw cause;
    if ((mode & intolerable) === 0) return;
    throw new StartError(
      `${path} is open to everybody and belongs to another user: let its owner run  chmod o-rwx ${path}`,
    );
  }
}

/** The short code of a system or database error, such as `EACCES`: all of it that is fit to be shown. */
export function errorCode(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? code : "unknown error";
}
