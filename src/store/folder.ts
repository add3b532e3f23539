import { chmodSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { StartError } from "../errors.ts";
import { failureCode } from "./failure-code.ts";
import { fileRemedy, inBrackets } from "./remedies.ts";

const OTHERS = 0o077;

/**
 * Prepares a folder for files that begin with `prefix`, and gives its full path. The folder becomes
 * 0700 and those files 0600. Throws a {@link StartError} where it cannot be used, and leaves a folder
 * that holds anything else as it is.
 */
export function prepareDataFolder(name: string, prefix: string): string {
  const folder = resolve(name);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const entries = readdirSync(folder).filter((entry) => entry !== "lost+found");
    if (!entries.every((entry) => entry.startsWith(prefix))) {
      throw new StartError(`MINTMARK_DATA is ${folder}, which holds other files: name an empty folder or a new one`);
    }
    closeToOthers(folder, 0o700);
    for (const entry of entries) closeToOthers(resolve(folder, entry), 0o600);
    return folder;
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    const code = failureCode(cause);
    const remedy = fileRemedy(code, "name a folder that this user can write");
    throw new StartError(`MINTMARK_DATA is ${folder}, which cannot be used${inBrackets(code)}: ${remedy}`);
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
