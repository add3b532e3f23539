import { closeSync, fdatasync, openSync } from "node:fs";
import { promisify } from "node:util";
import { coalesce } from "../../async/coalesce.ts";

export type LogSync = {
  /** Resolves when all commits made before the call are on the disk. Rejects for good once a sync has failed. */
  synced(): Promise<void>;
  close(): void;
};

/**
 * Syncs the write-ahead log of an open database in the thread pool. SQLite appends to the log at each commit, and the event
 * loop goes on while the disk writes; commits of that time share the next sync. The log is never replaced while it is open,
 * and carries none of SQLite's locks, so a descriptor of it may be closed.
 */
export function createLogSync(
  file: string,
  sync: (descriptor: number) => Promise<void> = promisify(fdatasync),
): LogSync {
  // Windows syncs no descriptor that is for reading alone.
  const descriptor = openSync(`${file}-wal`, "r+");
  let failure: unknown;
  const synced = coalesce(async () => {
    // A system may drop pages that it failed to write, and report the next sync as done.
    if (failure !== undefined) throw failure;
    await sync(descriptor).catch((cause: unknown) => {
      failure = Object.assign(new Error("The write-ahead log could not be synced", { cause }), { code: SYNC_FAILED });
      throw failure;
    });
  });
  return { synced, close: () => closeSync(descriptor) };
}

/** SQLite's code for the same failure. */
const SYNC_FAILED = "SQLITE_IOERR_FSYNC";
