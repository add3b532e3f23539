import { existsSync, readSync, statSync } from "node:fs";
import { StartError } from "../../errors.ts";
import { failureCode } from "../failure-code.ts";
import { fileRemedy, inBrackets, RESTORE } from "../remedies.ts";
import { descriptorOf } from "./descriptors.ts";

/** The error for a database file that cannot be opened, by the thrown error or its code. */
export function cannotOpen(file: string, cause: unknown): StartError {
  const code = typeof cause === "string" ? cause : failureCode(cause);
  return new StartError(`The database ${file} cannot be opened${inBrackets(code)}: ${fileRemedy(code, RESTORE)}`);
}

/** Offsets of the page size and of the page count in the header (SQLite file format §1.3). */
const PAGE_SIZE_AT = 16;
const PAGE_COUNT_AT = 28;
export const HEADER_BYTES = 100;

/**
 * Throws a {@link StartError} for a truncated file. SQLite notices only when it reads a missing page, and takes an empty
 * file for a new database: new keys would replace the lost ones.
 */
export function refuseTruncated(file: string): void {
  const wal = `${file}-wal`;
  // After a crash the rest may still be in the write-ahead log.
  if (existsSync(wal) && statSync(wal).size > 0) return;
  const header = readHeader(file);
  const bytes = bytesByHeader(header);
  if (bytes === undefined) throw cannotOpen(file, "SQLITE_NOTADB");
  if (statSync(file).size < bytes) throw cannotOpen(file, "SQLITE_CORRUPT");
}

/** The file size by the header. Undefined for a header that is not SQLite's. */
export function bytesByHeader(header: Buffer): number | undefined {
  if (header.toString("latin1", 0, 15) !== "SQLite format 3") return undefined;
  const pageSize = header.readUInt16BE(PAGE_SIZE_AT);
  return (pageSize === 1 ? 65536 : pageSize) * header.readUInt32BE(PAGE_COUNT_AT);
}

/** Throws a {@link StartError} for a write-ahead log without its database: SQLite would apply it to the new database. */
export function refuseOrphanedLog(file: string): void {
  const size = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  if (size > 0) throw cannotOpen(file, "ENOENT");
}

function readHeader(file: string): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  readSync(descriptorOf(file), header, { position: 0 });
  return header;
}
