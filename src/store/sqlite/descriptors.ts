import { closeSync, fstatSync, openSync, statSync } from "node:fs";

/** Descriptors by device and inode. */
const descriptors = new Map<string, number>();

/**
 * A descriptor for reading a database file, one for each file. It stays open until the file is deleted: closing it would
 * release all POSIX locks of this process on the file, SQLite's included, and another process could then delete the
 * write-ahead log that is in use here (https://sqlite.org/howtocorrupt.html §2.2).
 */
export function descriptorOf(file: string): number {
  for (const [id, descriptor] of descriptors) if (fstatSync(descriptor).nlink === 0) forget(id, descriptor);
  const id = identify(file);
  const known = descriptors.get(id);
  if (known !== undefined) return known;
  const descriptor = openSync(file, "r");
  descriptors.set(id, descriptor);
  return descriptor;
}

function identify(file: string): string {
  const { dev, ino } = statSync(file);
  return `${dev}.${ino}`;
}

function forget(id: string, descriptor: number): void {
  descriptors.delete(id);
  closeSync(descriptor);
}
