import { closeSync, existsSync, fstatSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { StartError } from "../../errors.ts";
import { failureCode } from "../failure-code.ts";
import { fileRemedy, inBrackets, RESTORE } from "../remedies.ts";
import { TakenError } from "../sql/taken.ts";

/** The error for a database file that cannot be opened, by the thrown error or its code. */
export function cannotOpen(file: string, cause: unknown): StartError {
  if (cause instanceof TakenError)
    return new StartError(
      `The database ${file} has a table or index ${cause.taken} of another program, and this release needs that name: rename it`,
    );
  const code = typeof cause === "string" ? cause : failureCode(cause);
  return new StartError(`The database ${file} cannot be opened${inBrackets(code)}: ${fileRemedy(code, RESTORE)}`);
}

/** Offsets of the page size and of the page count in the header (SQLite file format §1.3). */
const PAGE_SIZE_AT = 16;
const PAGE_COUNT_AT = 28;
const HEADER_BYTES = 100;

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
function bytesByHeader(header: Buffer): number | undefined {
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

/** Suffixes of the files that SQLite opens in WAL mode. */
const COMPANIONS = ["", "-wal", "-shm"];

export type OpenedFiles = {
  /** Whether the paths still name the opened files. */
  areInPlace(): boolean;
  /** Whether the database file was neither truncated nor overwritten from its start, which SQLite may not notice for long. */
  isIntact(): boolean;
};

/**
 * Remembers the inodes of the database files, to detect that one was deleted or replaced: SQLite would continue to write
 * into an unlinked file. Both checks together take about 4 µs.
 */
export function rememberFiles(file: string): OpenedFiles {
  const paths = COMPANIONS.map((suffix) => `${file}${suffix}`);
  const opened = paths.map(identify);
  const descriptor = descriptorOf(file);
  const header = Buffer.alloc(HEADER_BYTES);
  let size = 0;
  return {
    areInPlace: () => paths.every((path, at) => identify(path) === opened[at]),
    isIntact() {
      const found = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
      const isRead = readSync(descriptor, header, { position: 0 }) === HEADER_BYTES;
      const bytes = isRead ? bytesByHeader(header) : undefined;
      // The header may be ahead of a growing file; a vacuum truncates the file to the size in the header.
      if (bytes === undefined || found < Math.min(size, bytes)) return false;
      size = found;
      return true;
    },
  };
}

function identify(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && idOf(found);
}

function idOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}

/** Descriptors by device and inode. */
const descriptors = new Map<string, number>();

/**
 * A descriptor for reading a database file, one for each file. It stays open until the file is deleted: closing it would
 * release all POSIX locks of this process on the file, SQLite's included, and another process could then delete the
 * write-ahead log that is in use here (https://sqlite.org/howtocorrupt.html §2.2).
 */
function descriptorOf(file: string): number {
  for (const [id, descriptor] of descriptors) if (fstatSync(descriptor).nlink === 0) forget(id, descriptor);
  const known = descriptors.get(identify(file) ?? "");
  if (known !== undefined) return known;
  const descriptor = openSync(file, "r");
  descriptors.set(idOf(fstatSync(descriptor)), descriptor);
  return descriptor;
}

function forget(id: string, descriptor: number): void {
  descriptors.delete(id);
  closeSync(descriptor);
}
