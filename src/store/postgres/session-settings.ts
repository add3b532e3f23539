import pg from "pg";

/** Settings of PostgreSQL by name. They are made by Mintmark, and so above all that server, role and URL say. */
export type Settings = Readonly<Record<string, string>>;

export function settingsFor({ limit, schema }: { limit: number; schema?: string | undefined }): Settings {
  // The server gives up first, so that a slow answer is not taken for a lost connection.
  const timeout = String(Math.floor(limit * 0.8));
  return {
    // A commit is on disk before it is answered.
    synchronous_commit: "on",
    // Changes wait for each other by locks. By a stricter level they would fail instead.
    default_transaction_isolation: "read committed",
    statement_timeout: timeout,
    lock_timeout: timeout,
    // A server that the network lost within a change must not hold the lock that all changes take.
    idle_in_transaction_session_timeout: timeout,
    ...(schema !== undefined && { search_path: pg.escapeIdentifier(schema) }),
  };
}

/**
 * Makes settings for a session and gives a row for each; none, and leaves the session alone, where it is a pooler that
 * answered: its sessions go from one client to the next, and poolers make up the process that they name to a client.
 */
export function setUnlessPooled(client: object, settings: Settings): string {
  const { processID } = client as { processID?: number | null };
  const values = Object.entries(settings).map(([name, value]) => `('${name}', ${pg.escapeLiteral(value)})`);
  return `select set_config(name, value, false) from (values ${values.join(", ")}) as setting (name, value)
    where pg_backend_pid() = ${Number(processID)}`;
}

/** Makes settings for the transaction that has just begun. Another program may have left its own in the session. */
export function setLocal({ default_transaction_isolation: level, ...settings }: Settings): string {
  const local = Object.entries({ search_path: "", ...settings }).map(([name, value]) => {
    const isPath = name === "search_path";
    return `set local ${name} = ${isPath ? value || "default" : pg.escapeLiteral(value)}`;
  });
  return [`set transaction isolation level ${level}`, ...local].join("; ");
}
