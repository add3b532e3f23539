import { randomUUID } from "node:crypto";
import { closeSync, existsSync, fsyncSync, linkSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { StartError } from "../../errors.ts";
import { failureCode } from "../failure-code.ts";
import { fileRemedy, inBrackets } from "../remedies.ts";
import { fullPath } from "./data-directory.ts";
import { cannotOpen, refuseTruncated } from "./database-file.ts";
import { FILE, noDatabase } from "./sqlite.ts";

/**
 * Writes a consistent copy of the embedded database to a new file, also while a server runs. The copy is synced and checked
 * (`quick_check`) before it gets its name. Throws a {@link StartError} where there is no database, and where the file exists
 * or cannot be written.
 */
export function backUp(folder: string, file: string): void {
  const source = join(fullPath(folder), FILE);
  if (!existsSync(source)) throw noDatabase(folder);
  refuseTruncated(source);
  const draft = `${file}.${randomUUID()}`;
  try {
    // Created with mode 0600 before SQLite writes to it, so that no other user can ever read it.
    closeSync(openSync(draft, "wx", 0o600));
    copy(source, draft);
    linkSync(draft, file);
  } catch (cause) {
    const code = failureCode(cause);
    if (/^SQLITE_(NOTADB|CORRUPT)/.test(code ?? "")) throw cannotOpen(source, cause);
    if (code === "EEXIST") throw new StartError(`${file} already exists: ${ANOTHER}`);
    throw new StartError(`${file} cannot be written${inBrackets(code)}: ${fileRemedy(code, ANOTHER)}`);
  } finally {
    if (existsSync(draft)) rmSync(draft);
  }
  sync(join(file, ".."));
}

const ANOTHER = "name a new file in a folder that this user can write";

function copy(source: string, target: string): void {
  const database = new Database(source);
  try {
    database.pragma("busy_timeout = 5000");
    database.prepare("vacuum into ?").run(target);
  } finally {
    database.close();
  }
  sync(target);
  const copied = new Database(target, { readonly: true });
  const { quick_check: result } = copied.prepare("pragma quick_check").get() as { quick_check: string };
  copied.close();
  if (result !== "ok") throw Object.assign(new Error(), { code: "SQLITE_CORRUPT" });
}

function sync(path: string): void {
  const handle = openSync(path, "r");
  fsyncSync(handle);
  closeSync(handle);
}
