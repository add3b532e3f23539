import { failureCode } from "./failure-code.ts";

/** A connection that could not be made, or was lost. Whatever the driver says of it, trying again may help. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  readonly code: string | undefined;

  constructor(cause: unknown) {
    super("The connection to the database failed", { cause });
    this.code = failureCode(cause);
  }
}

/**
 * Failures that pass by themselves or by an operator's hand, by the beginning of their code. All others are faults of a
 * query or of this program, which a second attempt would only repeat.
 */
const OUTAGES: readonly string[] = [
  // PostgreSQL, by class: connection, read-only, transaction rolled back, resources, locks, intervention, system error.
  ...["08", "25006", "25P03", "25P04", "40", "53", "55006", "55P03", "57", "58"],
  ...["SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN"],
  ...["SQLITE_NOMEM", "SQLITE_PERM", "SQLITE_PROTOCOL", "SQLITE_NOLFS", "SQLITE_INTERRUPT"],
];
/** SQLite's code for a database whose files were deleted or replaced while it was open. */
export const FILES_MOVED = "SQLITE_READONLY_DBMOVED";

/** Whether a failure says that the database file is damaged, which no second attempt will mend. */
export function isDamage(cause: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(failureCode(cause) ?? "");
}

/** Errnos of the system. Codes of Node such as `ERR_INVALID_ARG_TYPE` tell of a fault of this program. */
const ERRNO = /^E(?!RR_)[A-Z][A-Z0-9_]+$/;

/** Whether a failure of the store is an outage, so that it is right to try again later. */
export function isOutage(cause: unknown): boolean {
  if (cause instanceof ConnectionError) return true;
  const code = failureCode(cause);
  return code !== undefined && (ERRNO.test(code) || OUTAGES.some((start) => code.startsWith(start)));
}
