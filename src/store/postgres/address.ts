import pg from "pg";
import { StartError } from "../../errors.ts";

/** A parsed `DATABASE_URL`. */
export type PostgresAddress = {
  /** The URL with the driver's own parameters only. Contains the password. */
  connectionString: string;
  /** The schema that `?schema=` names. */
  schema: string | undefined;
  /** Pool size, beside the listening connection; `?connection_limit=` lowers it. Default 10. */
  connections: number;
};

/** Parameters for the driver. It would take any other as an option of its own, such as `stream` or `types`. */
const PARAMETERS = new Set([
  ...["host", "port", "user", "password", "application_name", "fallback_application_name", "options"],
  ...["ssl", "sslmode", "sslcert", "sslkey", "sslrootcert", "sslnegotiation", "uselibpqcompat"],
]);

const MAX_CONNECTIONS = 10;
/** PostgreSQL truncates longer names (`NAMEDATALEN`). */
const MAX_NAME_BYTES = 63;

/** Parses a `postgres://` URL. Throws a {@link StartError}, which quotes nothing of an invalid URL. */
export function parsePostgresUrl(url: string): PostgresAddress {
  const [address = "", query = ""] = url.replace(/#.*$/s, "").split(/\?(.*)/s);
  const parameters = new URLSearchParams(query);
  const schema = parameters.get("schema") || undefined;
  if (Buffer.byteLength(schema ?? "") > MAX_NAME_BYTES || schema?.includes("\0"))
    throw new StartError(`DATABASE_URL must name a schema of at most ${MAX_NAME_BYTES} bytes`);
  if (schema === "information_schema")
    throw new StartError("DATABASE_URL names information_schema, which backups leave out: name another schema");
  // The driver does the same, and logs a long warning each time.
  if (parameters.get("sslmode") === "require" && !parameters.has("uselibpqcompat"))
    parameters.set("sslmode", "verify-full");
  const limit = Number(parameters.get("connection_limit") ?? MAX_CONNECTIONS);
  const connections = limit >= 1 ? Math.min(Math.floor(limit), MAX_CONNECTIONS) : MAX_CONNECTIONS;
  for (const name of new Set(parameters.keys())) if (!PARAMETERS.has(name)) parameters.delete(name);
  const connectionString = `${address}?${parameters}`;
  refuseUnreadable(connectionString);
  return { connectionString, schema, connections };
}

/** The driver's default where neither the URL nor `PGHOST` names a host. */
const DEFAULT_HOST = "localhost";
const WITHOUT_HOST = /^\w+:\/\/([^/]*@)?(:\d*)?(\/|\?|$)/;

/** Lets the driver parse the URL, without connecting. */
function refuseUnreadable(connectionString: string): void {
  const isHostNamed = !WITHOUT_HOST.test(connectionString) || /[?&]host=./.test(connectionString);
  try {
    const { host, port } = new pg.Client({ connectionString });
    if (!isHostNamed && host === DEFAULT_HOST) throw new StartError(URL_FAULTS.host);
    if (Number.isNaN(port)) throw new StartError(URL_FAULTS.syntax);
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    throw new StartError(isHostNamed ? URL_FAULTS[faultOf(cause)] : URL_FAULTS.host);
  }
}

const URL_FAULTS = {
  host: "DATABASE_URL must name a host: postgres://USER:PASSWORD@HOST:PORT/DATABASE",
  syntax:
    "DATABASE_URL cannot be parsed: write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE with one host, and each special character of the user and the password as %XX, such as %40 for @",
  file: "DATABASE_URL names a file that cannot be read: check the paths and permissions of sslrootcert, sslcert and sslkey",
  tls: "DATABASE_URL has conflicting TLS parameters: use sslmode=verify-full alone, or with sslrootcert for a private certificate authority",
} as const;

function faultOf(cause: unknown): keyof typeof URL_FAULTS {
  if (cause instanceof URIError) return "syntax";
  if (!(cause instanceof Error && "code" in cause)) return "tls";
  return cause.code === "ERR_INVALID_URL" ? "syntax" : "file";
}
