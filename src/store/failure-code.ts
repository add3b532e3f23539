/** Failures that drivers report by a sentence alone, each by its first words. The sentence never leaves this file. */
const UNCODED: readonly (readonly [startsWith: string, code: string])[] = [
  ["The server does not support SSL connections", "NO_TLS"],
  ["There was an error establishing an SSL connection", "NO_TLS"],
  ["SASL: SCRAM-SERVER-FIRST-MESSAGE: client password", "NO_PASSWORD"],
  ["SASL:", "AUTHENTICATION"],
  ["Unknown authenticationOk message type", "AUTHENTICATION"],
  ["timeout expired", "ETIMEDOUT"],
  ["timeout exceeded when trying to connect", "ETIMEDOUT"],
  ["Connection terminated due to connection timeout", "ETIMEDOUT"],
  ["Query read timeout", "ETIMEDOUT"],
  ["PostgreSQL did not answer in time", "ETIMEDOUT"],
  ["Connection terminated", "ECONNRESET"],
];

/** The driver resolves a host to several addresses, and fails by each of them; what says most comes first. */
const TELLING = ["ECONNREFUSED", "ETIMEDOUT", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH"];

/**
 * The code of a failure of a database, a socket, a file or TLS: a SQLSTATE, an errno, a code of OpenSSL or SQLite, or
 * one of this file's own. Undefined where there is none. Never quotes a message.
 */
export function failureCode(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  if (cause instanceof AggregateError) {
    const codes = cause.errors.map(failureCode);
    const telling = TELLING.find((code) => codes.includes(code)) ?? codes.find((code) => code !== undefined);
    if (telling !== undefined) return telling;
  }
  if ("code" in cause && typeof cause.code === "string" && /^\w+$/.test(cause.code)) return cause.code;
  const uncoded = UNCODED.find(([start]) => cause.message.startsWith(start))?.[1];
  return uncoded ?? sqliteCode(cause.message) ?? failureCode(cause.cause);
}

/** SQLite's result codes that an attempt to open a file ends with. The driver writes their number behind the path. */
const OPENING: Readonly<Record<string, string>> = {
  3: "SQLITE_PERM",
  5: "SQLITE_BUSY",
  7: "SQLITE_NOMEM",
  10: "SQLITE_IOERR",
  13: "SQLITE_FULL",
  14: "SQLITE_CANTOPEN",
  23: "SQLITE_AUTH",
  26: "SQLITE_NOTADB",
};

function sqliteCode(message: string): string | undefined {
  return OPENING[/^ConnectionFailed\(.*: (\d+)"\)$/s.exec(message)?.[1] ?? ""];
}
