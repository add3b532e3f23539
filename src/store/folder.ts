import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { StartError } from "../errors.ts";

const FILE = "mintmark.db";
const OTHERS = 0o077;

/**
 * Prepares the folder of the embedded database and gives the database file's path. The folder is
 * 0700 and the file 0600; SQLite gives its `-wal` and `-shm` files the same mode.
 * Throws a {@link StartError} where the folder cannot be used, and leaves other people's folders alone.
 */
export function prepareDataFolder(name: string): string {
  const folder = resolve(name);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const entries = readdirSync(folder);
    if (entries.some((entry) => !entry.startsWith(FILE) && entry !== "lost+found")) {
      throw new StartError(`MINTMARK_DATA is ${folder}, which holds other files: name an empty folder or a new one`);
    }
    closeToOthers(folder, 0o700);
    const file = join(folder, FILE);
    if (!existsSync(file)) closeSync(openSync(file, "wx", 0o600));
    for (const entry of readdirSync(folder)) {
      if (entry.startsWith(FILE)) closeToOthers(join(folder, entry), 0o600);
    }
    return file;
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    throw new StartError(
      `MINTMARK_DATA is ${folder}, which cannot be used (${errorCode(cause)}): name a folder that this user can write`,
    );
  }
}

function closeToOthers(path: string, mode: number): void {
  if ((statSync(path).mode & OTHERS) !== 0) chmodSync(path, mode);
}

/** The short code of a system or database error, such as `EACCES`: all of it that is fit to be shown. */
export function errorCode(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? code : "unknown error";
}
