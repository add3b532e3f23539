import pg from "pg";
import type { Milliseconds } from "../../time.ts";

/** PostgreSQL settings by name. They override those of server, role and URL. */
export type Settings = Readonly<Record<string, string>>;

export function settingsFor({ limit, schema }: { limit: Milliseconds; schema?: string | undefined }): Settings {
  // Shorter than the lease, so that a slow statement is not taken for a lost connection.
  const timeout = String(Math.floor(limit * 0.8));
  return {
    // Commits are durable before the response.
    synchronous_commit: "on",
    // Changes wait for locks. At a stricter level they would fail instead.
    default_transaction_isolation: "read committed",
    statement_timeout: timeout,
    lock_timeout: timeout,
    // A disconnected server must not hold the lock that every change takes.
    idle_in_transaction_session_timeout: timeout,
    ...(schema !== undefined && { search_path: pg.escapeIdentifier(schema) }),
  };
}

/**
 * Applies settings to the session and returns a row for each. Behind a pooler it changes nothing and returns none: sessions
 * are shared there, and the process id that a pooler reports is not that of the session.
 */
export function setUnlessPooled(client: object, settings: Settings): string {
  const { processID } = client as { processID?: number | null };
  const values = Object.entries(settings).map(([name, value]) => `('${name}', ${pg.escapeLiteral(value)})`);
  return `select set_config(name, value, false) from (values ${values.join(", ")}) as setting (name, value)
    where pg_backend_pid() = ${Number(processID)}`;
}

/** Applies settings to the current transaction. Another client may have left its own in the session. */
export function setLocal({ default_transaction_isolation: level, ...settings }: Settings): string {
  const local = Object.entries({ search_path: "", ...settings }).map(([name, value]) => {
    const isPath = name === "search_path";
    return `set local ${name} = ${isPath ? value || "default" : pg.escapeLiteral(value)}`;
  });
  return [`set transaction isolation level ${level}`, ...local].join("; ");
}
