import { closeSync, fstatSync, openSync, statSync } from "node:fs";

/** Descriptors by the device and inode of their files. */
const held = new Map<string, number>();

/**
 * Gives a descriptor to read a database file by, the same one for each file. It stays open until the file is deleted: to
 * close one ends all POSIX locks that this process has on the file, also those of SQLite, and another process that closes
 * the database would then delete the write-ahead log beneath this one (https://sqlite.org/howtocorrupt.html §2.2).
 */
export function descriptorOf(file: string): number {
  for (const [id, descriptor] of held) if (fstatSync(descriptor).nlink === 0) forget(id, descriptor);
  const id = identify(file);
  const known = held.get(id);
  if (known !== undefined) return known;
  const descriptor = openSync(file, "r");
  held.set(id, descriptor);
  return descriptor;
}

function identify(file: string): string {
  const { dev, ino } = statSync(file);
  return `${dev}.${ino}`;
}

function forget(id: string, descriptor: number): void {
  held.delete(id);
  closeSync(descriptor);
}
