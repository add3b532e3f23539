import { readSync, statSync } from "node:fs";
import { descriptorOf } from "./descriptors.ts";
import { bytesByHeader, HEADER_BYTES } from "./truncation.ts";

/** What SQLite has open of a database in WAL mode, beside the file itself. */
const COMPANIONS = ["", "-wal", "-shm"];

export type OpenedFiles = {
  /** Whether the names still lead to the files that were opened. */
  areThere(): boolean;
  /** Whether the database file was neither cut short nor overwritten from its beginning: SQLite would not notice for long. */
  isWhole(): boolean;
};

/**
 * Remembers which files a database is, and gives the check that its names still lead to them. Where one was deleted or
 * replaced, SQLite writes on into a file that nobody will find again. A check takes about 2 µs.
 */
export function rememberFiles(file: string): OpenedFiles {
  const paths = COMPANIONS.map((suffix) => `${file}${suffix}`);
  const opened = paths.map(identify);
  const descriptor = descriptorOf(file);
  const header = Buffer.alloc(HEADER_BYTES);
  let size = 0;
  return {
    areThere: () => paths.every((path, at) => identify(path) === opened[at]),
    isWhole() {
      const found = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
      const isRead = readSync(descriptor, header, { position: 0 }) === HEADER_BYTES;
      const bytes = isRead ? bytesByHeader(header) : undefined;
      // While it grows the header may be ahead of it, and whoever vacuums it makes it shorter by the header.
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
