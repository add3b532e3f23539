import { closeSync, fdatasync, openSync, readSync } from "node:fs";
import { promisify } from "node:util";
import { coalesce } from "../../async/coalesce.ts";

export type LogSync = {
  /** Resolves when all commits made before the call are on the disk. Rejects for good once a sync has failed. */
  synced(): Promise<void>;
  /** Whether all processes have written more pages than this since the log last began. */
  isLongerThan(pages: number): boolean;
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
  return {
    synced,
    isLongerThan: (pages) => isFrameOfLog(descriptor, pages),
    close: () => closeSync(descriptor),
  };
}

/** SQLite's code for the same failure. */
const SYNC_FAILED = "SQLITE_IOERR_FSYNC";

/** Sizes and offsets of the write-ahead log (SQLite file format §4.1). */
const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const PAGE_SIZE_AT = 8;
const SALT = { bytes: 8, inHeader: 16, inFrame: 8 };

/**
 * Whether the log has a frame at this index, counted from 0. The file keeps its size when the log begins again; frames of
 * the log before it have another salt.
 */
function isFrameOfLog(descriptor: number, index: number): boolean {
  const header = Buffer.alloc(HEADER_BYTES);
  if (readSync(descriptor, header, { position: 0 }) < HEADER_BYTES) return false;
  const position = HEADER_BYTES + index * (FRAME_HEADER_BYTES + header.readUInt32BE(PAGE_SIZE_AT));
  const frame = Buffer.alloc(FRAME_HEADER_BYTES);
  if (readSync(descriptor, frame, { position }) < FRAME_HEADER_BYTES) return false;
  const salt = header.subarray(SALT.inHeader, SALT.inHeader + SALT.bytes);
  return salt.equals(frame.subarray(SALT.inFrame, SALT.inFrame + SALT.bytes));
}
