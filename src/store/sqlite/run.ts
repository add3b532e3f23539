import type { Milliseconds } from "../../time.ts";
import { FILES_MOVED } from "../outage.ts";
import type { Driver } from "../sql/driver.ts";
import { whileBusy } from "./busy.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { OpenedFiles } from "./database-file.ts";
import type { LogSync } from "./log-sync.ts";

/** Longest wait for a lock: a request must be answered within 2 s. */
export const LIMIT_MS: Milliseconds = 1500;

/**
 * Syncs the log after each call that committed something, or ran beside one that did, and checks the files after each call: a
 * commit into replaced or damaged files would be acknowledged and lost. Calls that end in one turn of the event loop share a
 * check, unless there was a commit after it.
 */
export function createRun(
  writes: () => number,
  { files, log, checkpoints }: { files: OpenedFiles; log: LogSync; checkpoints: Checkpoints },
): Required<Driver>["run"] {
  let checkedAfter: number | undefined;
  const syncAfter = async (before: number) => {
    if (writes() === before) return;
    await log.synced();
    checkpoints.afterCommit(writes());
  };
  return async (verb) => {
    const before = writes();
    // A call that is refused may have committed as well, such as the use of a code.
    const outcome = await whileBusy(verb, LIMIT_MS).finally(() => syncAfter(before));
    if (checkedAfter === writes()) return outcome;
    if (!files.areInPlace()) throw Object.assign(new Error("The database file was moved"), { code: FILES_MOVED });
    if (!files.isIntact()) throw Object.assign(new Error("The database file was damaged"), { code: "SQLITE_CORRUPT" });
    checkedAfter = writes();
    setImmediate(() => {
      checkedAfter = undefined;
    });
    return outcome;
  };
}
