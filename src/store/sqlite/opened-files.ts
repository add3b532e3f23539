import { readSync, statSync } from "node:fs";
import { descriptorOf } from "./descriptors.ts";
import { bytesByHeader, HEADER_BYTES } from "./truncation.ts";

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
  return found && `${found.dev}:${found.ino}`;
}
