import { statSync } from "node:fs";

/** What SQLite has open of a database in WAL mode, beside the file itself. */
const COMPANIONS = ["", "-wal", "-shm"];

/**
 * Remembers which files a database is, and gives the check that its names still lead to them. Where one was deleted or
 * replaced, SQLite writes on into a file that nobody will find again. A check takes about 2 µs.
 */
export function rememberFiles(file: string): () => boolean {
  const paths = COMPANIONS.map((suffix) => `${file}${suffix}`);
  const opened = paths.map(identify);
  return () => paths.every((path, at) => identify(path) === opened[at]);
}

function identify(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}
