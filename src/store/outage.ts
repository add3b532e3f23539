import { failureCode } from "./failure-code.ts";

/** A connection could not be opened, or was lost. A retry may succeed, whatever code the driver reports. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  readonly code: string | undefined;

  constructor(cause: unknown) {
    super("The connection to the database failed", { cause });
    this.code = failureCode(cause);
  }
}

/**
 * Prefixes of the codes of temporary failures, and of failures that an operator can repair. All others are faults of a query
 * or of this program: a retry would fail again.
 */
const OUTAGES: readonly string[] = [
  // PostgreSQL, by class: connection, read-only, transaction rolled back, resources, locks, intervention, system error.
  ...["08", "25006", "25P03", "25P04", "40", "53", "55006", "55P03", "57", "58"],
  ...["SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN"],
  ...["SQLITE_NOMEM", "SQLITE_PERM", "SQLITE_PROTOCOL", "SQLITE_NOLFS", "SQLITE_INTERRUPT"],
];
/** SQLite's code for database files that were deleted or replaced while open. */
export const FILES_MOVED = "SQLITE_READONLY_DBMOVED";

/** Whether an error reports a damaged database file. */
export function isDamage(cause: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(failureCode(cause) ?? "");
}

/** Errnos of the system. Node's own codes, such as `ERR_INVALID_ARG_TYPE`, are faults of this program. */
const ERRNO = /^E(?!RR_)[A-Z][A-Z0-9_]+$/;

/** Whether an error of the store is an outage: a later retry may succeed. */
export function isOutage(cause: unknown): boolean {
  if (cause instanceof ConnectionError) return true;
  const code = failureCode(cause);
  return code !== undefined && (ERRNO.test(code) || OUTAGES.some((start) => code.startsWith(start)));
}
