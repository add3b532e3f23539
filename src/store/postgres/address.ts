import pg from "pg";
import { StartError } from "../../errors.ts";

/** Where a PostgreSQL database is, and what its URL says about how it is used. */
export type PostgresAddress = {
  /** The URL with nothing in it but what the driver is to know. It carries the password. */
  connectionString: string;
  /** The schema that `?schema=` names. */
  schema: string | undefined;
  /** Connections that a server keeps beside the one that listens; `?connection_limit=` sets it. Default 10. */
  connections: number;
};

/** The parameters that go on to the driver. It would take any other as a setting of its own, such as `stream` or `types`. */
const PARAMETERS = new Set([
  ...["host", "port", "user", "password", "application_name", "fallback_application_name", "options"],
  ...["ssl", "sslmode", "sslcert", "sslkey", "sslrootcert", "sslnegotiation", "uselibpqcompat"],
]);

const MAX_CONNECTIONS = 10;
/** PostgreSQL cuts longer names short (`NAMEDATALEN`). */
const MAX_NAME_BYTES = 63;

/** Reads a `postgres://` URL. Throws a {@link StartError}, which quotes none of it, where it cannot be one. */
export function parsePostgresUrl(url: string): PostgresAddress {
  const [address = "", query = ""] = url.replace(/#.*$/s, "").split(/\?(.*)/s);
  const parameters = new URLSearchParams(query);
  const schema = parameters.get("schema") || undefined;
  if (Buffer.byteLength(schema ?? "") > MAX_NAME_BYTES || schema?.includes("\0"))
    throw new StartError(`DATABASE_URL must name a schema of at most ${MAX_NAME_BYTES} bytes`);
  if (schema === "information_schema")
    throw new StartError(
      "DATABASE_URL names information_schema, of which backups are made without: name another schema",
    );
  // That is what the driver makes of it, and says so at length each time.
  if (parameters.get("sslmode") === "require" && !parameters.has("uselibpqcompat"))
    parameters.set("sslmode", "verify-full");
  const limit = Number(parameters.get("connection_limit") ?? MAX_CONNECTIONS);
  const connections = limit >= 1 ? Math.min(Math.floor(limit), MAX_CONNECTIONS) : MAX_CONNECTIONS;
  for (const name of new Set(parameters.keys())) if (!PARAMETERS.has(name)) parameters.delete(name);
  const connectionString = `${address}?${parameters}`;
  refuseUnreadable(connectionString);
  return { connectionString, schema, connections };
}

/** The driver falls back on this host where neither the URL nor `PGHOST` names one. */
const DEFAULT_HOST = "localhost";
const WITHOUT_HOST = /^\w+:\/\/([^/]*@)?(:\d*)?(\/|\?|$)/;

/** Lets the driver read the URL, without connecting. */
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
    "DATABASE_URL cannot be read: write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE with one host, and each special character of the user and the password as %XX, such as %40 for @",
  file: "DATABASE_URL names a file that cannot be read: check sslrootcert, sslcert and sslkey, and that this user may read them",
  tls: "DATABASE_URL has parameters for TLS that cannot be used together: sslmode=verify-full, with sslrootcert where the certificate is of an authority of your own, needs no other",
} as const;

function faultOf(cause: unknown): keyof typeof URL_FAULTS {
  if (cause instanceof URIError) return "syntax";
  if (!(cause instanceof Error && "code" in cause)) return "tls";
  return cause.code === "ERR_INVALID_URL" ? "syntax" : "file";
}
