/** Driver errors without a code, recognised by the start of their message. The message never leaves this file. */
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

/** A host with several addresses fails with one error per address. Most informative code first. */
const MOST_SPECIFIC = ["ECONNREFUSED", "ETIMEDOUT", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH"];

/**
 * The code of a database, socket, file or TLS error: a SQLSTATE, an errno, an OpenSSL or SQLite code, or a code of this
 * file. Undefined for other errors. Never quotes a message.
 */
export function failureCode(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  if (cause instanceof AggregateError) {
    const codes = cause.errors.map(failureCode);
    const specific = MOST_SPECIFIC.find((code) => codes.includes(code)) ?? codes.find((code) => code !== undefined);
    if (specific !== undefined) return specific;
  }
  if ("code" in cause && typeof cause.code === "string" && /^\w+$/.test(cause.code)) return cause.code;
  const uncoded = UNCODED.find(([start]) => cause.message.startsWith(start))?.[1];
  return uncoded ?? sqliteCode(cause.message) ?? failureCode(cause.cause);
}

/** SQLite result codes of a failed open. The driver appends the number to the path. */
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
