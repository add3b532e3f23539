import { existsSync, readSync, statSync } from "node:fs";
import { StartError } from "../../errors.ts";
import { failureCode } from "../failure-code.ts";
import { fileRemedy, inBrackets, RESTORE } from "../remedies.ts";
import { descriptorOf } from "./descriptors.ts";

/** Says what to do about a database file that cannot be opened, by what was thrown or by its code. */
export function cannotOpen(file: string, cause: unknown): StartError {
  const code = typeof cause === "string" ? cause : failureCode(cause);
  return new StartError(`The database ${file} cannot be opened${inBrackets(code)}: ${fileRemedy(code, RESTORE)}`);
}

/** Where the header says how long a page is, and how many there are (SQLite file format §1.3). */
const PAGE_SIZE_AT = 16;
const PAGE_COUNT_AT = 28;
export const HEADER_BYTES = 100;

/**
 * Refuses a file that has lost its end. SQLite would notice only when it comes to a page that is not
 * there; and it takes an empty file for a new database, so that new keys would be made over the lost ones.
 */
export function refuseTruncated(file: string): void {
  const wal = `${file}-wal`;
  // After a crash the end may still be in the write-ahead log; from there it is put in its place.
  if (existsSync(wal) && statSync(wal).size > 0) return;
  const header = readHeader(file);
  const bytes = bytesByHeader(header);
  if (bytes === undefined) throw cannotOpen(file, "SQLITE_NOTADB");
  if (statSync(file).size < bytes) throw cannotOpen(file, "SQLITE_CORRUPT");
}

/** How long the header says that its file is. Undefined where it is none of a database. */
export function bytesByHeader(header: Buffer): number | undefined {
  if (header.toString("latin1", 0, 15) !== "SQLite format 3") return undefined;
  const pageSize = header.readUInt16BE(PAGE_SIZE_AT);
  return (pageSize === 1 ? 65536 : pageSize) * header.readUInt32BE(PAGE_COUNT_AT);
}

/** Refuses a write-ahead log without its database: SQLite would apply it to the new one, which it does not belong to. */
export function refuseOrphanedLog(file: string): void {
  const size = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  if (size > 0) throw cannotOpen(file, "ENOENT");
}

function readHeader(file: string): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  readSync(descriptorOf(file), header, { position: 0 });
  return header;
}
