import { connectionRemedies } from "./connection-remedies.ts";
import { failureCode } from "./failure-code.ts";
import { ConnectionError } from "./outage.ts";

/** Remedies by error code or by class of codes. */
type Remedies = Readonly<Record<string, string>>;

const RIGHTS = "make its user the owner of the database, or of a schema named mintmark in it";

/** Errors of sockets, DNS and TLS, and SQLSTATEs of PostgreSQL and poolers (Appendix A of its manual). */
const POSTGRES: Remedies = {
  ...connectionRemedies({
    host: "the host in DATABASE_URL",
    address: "the host and port in DATABASE_URL",
    server: "PostgreSQL",
    trust: "add sslrootcert=FILE with the certificate of its authority to DATABASE_URL",
    tls: "check that PostgreSQL listens on that port, and its TLS versions",
  }),
  ECONNRESET: "the connection was closed: check that PostgreSQL listens on that port, and whether it requires TLS",
  ENOENT: "there is no socket in that folder: check that PostgreSQL runs, and the host in DATABASE_URL",
  EACCES: "this user cannot open its socket: check the host in DATABASE_URL",
  NO_TLS: "it does not support TLS: enable TLS, or remove sslmode from DATABASE_URL if the network is trusted",
  NO_PASSWORD: "it requires a password and DATABASE_URL has none: add it after the user",
  AUTHENTICATION: "it requires an unsupported authentication method: use scram-sha-256 in its pg_hba.conf",
  ERR_OSSL: "a certificate or key in DATABASE_URL is invalid: check sslrootcert, sslcert and sslkey",

  "08P01":
    "its pooler refused the connection: use transaction or session mode, allow more connections, and remove options from DATABASE_URL",
  "08": "the connection was lost: check that it runs, and the network",
  "0A000": "its version is too old: use a supported PostgreSQL release",
  "22021": "its encoding cannot encode all text: create a database with  encoding 'UTF8' template template0",
  "22P05": "its encoding cannot encode all text: create a database with  encoding 'UTF8' template template0",
  "25006": "it is read-only: name the primary server, or check its default_transaction_read_only",
  "22023": "it rejects a setting: check options in DATABASE_URL, and the settings of its user and database",
  "28000":
    "it rejects this user from this host: check the user, its pg_hba.conf, and sslmode=verify-full if it requires TLS",
  "28P01": "the user or password is wrong: check both in DATABASE_URL",
  "28": "it rejects this user: check the user and the password in DATABASE_URL",
  "3D000": "the database does not exist: create it, or correct the name in DATABASE_URL",
  "3F000": `there is no schema for the tables: ${RIGHTS}`,
  "40": "concurrent changes conflicted: retry shortly",
  "42501": `its user lacks a privilege: ${RIGHTS}`,
  "42601": "it rejects options in DATABASE_URL: write them as  -c NAME=VALUE",
  "42704": "a setting in options of DATABASE_URL does not exist: check its name",
  "42939": "schema names that start with pg_ are reserved: use another in DATABASE_URL",
  "42P07": "another program has tables of the same names: set a separate schema by ?schema=NAME in DATABASE_URL",
  "42710": "another program has types of the same names: set a separate schema by ?schema=NAME in DATABASE_URL",
  "42": "its tables do not match this release: start the release that changed them, or set another schema by ?schema=NAME in DATABASE_URL",
  "53100": "its disk is full: free space there",
  "53200": "it is out of memory: add memory, or lower its max_connections",
  "53300": "it has no connection left: raise its max_connections, or set connection_limit in DATABASE_URL",
  "53": "it is out of resources: check its log",
  "55000": "the database does not accept connections: allow them, or correct the name in DATABASE_URL",
  "55P03": "another program holds a lock on its tables: stop that program, and start again",
  "57014": "a statement timed out: check its load, and whether another program holds a lock on its tables",
  "57P03": "it is starting or stopping: retry shortly",
  "57P04": "the database was dropped: create it",
  "57P05": "it closed the connection: start again",
  "57": "it is shutting down: retry when it runs",
  "58": "it cannot read or write its files: check its disk and its log",
  XX001: "its files are damaged: restore it from a backup",
  XX002: "its files are damaged: restore it from a backup, or rebuild the indexes",
  XX: "an internal error occurred, or its pooler rejects this user: check its log and the user in DATABASE_URL",
};

/** For a file that SQLite cannot read. */
export const RESTORE = "restore it from a backup, or set MINTMARK_DATA to another folder";

/** Errnos of files, and SQLite's primary result codes. */
const FILES: Remedies = {
  EACCES: "allow this user to read and write it",
  EPERM: "allow this user to read and write it",
  EROFS: "its file system is read-only: name a writable place",
  ENOSPC: "its disk is full: free space",
  EDQUOT: "the disk quota of this user is exceeded: free space",
  EMFILE: "this process has too many open files: raise its limit, such as LimitNOFILE",
  ENFILE: "this machine has too many open files: raise fs.file-max",
  EISDIR: "it is a folder and should be a file: move it away",
  ENOTDIR: "a part of its path is a file: name a folder",
  ELOOP: "its path has a loop of symbolic links: name the folder itself",
  ENAMETOOLONG: "its name is too long: use a shorter one",
  EIO: "the disk failed: check it and the system log",
  EXDEV: "it cannot be created there: name a place on one file system",
  SQLITE_FULL: "its disk is full: free space, no data is lost",
  SQLITE_READONLY: "it is not writable: allow this user to write the file and its folder, and check the file system",
  SQLITE_READONLY_DBMOVED:
    "its files were deleted or replaced while this server ran: restore them, or restart the server",
  SQLITE_CANTOPEN: "allow this user to read and write the file and its folder, and check that it is a file",
  SQLITE_PERM: "allow this user to read and write the file and its folder",
  SQLITE_AUTH: "allow this user to read and write the file and its folder",
  SQLITE_IOERR: "the disk failed or is full: check it and the system log",
  SQLITE_BUSY: "another program uses it: stop that program, and start again",
  SQLITE_LOCKED: "another program uses it: stop that program, and start again",
  SQLITE_PROTOCOL: "another program uses it, or its file system has no locks: name a folder on a local disk",
  SQLITE_NOLFS: "its file system does not support files of that size: set MINTMARK_DATA to another folder",
  SQLITE_NOMEM: "this machine is out of memory: add memory",
  SQLITE_NOTADB: RESTORE,
  SQLITE_CORRUPT: RESTORE,
};

/** One sentence with the remedy for an error of PostgreSQL or of the connection to it. Quotes no error message. */
export function postgresRemedy(cause: unknown): string {
  const code = failureCode(cause) ?? "";
  const advice = POSTGRES[code] ?? POSTGRES[classOf(code)] ?? "check that it runs, and check DATABASE_URL";
  return `The database in DATABASE_URL cannot be used${inBrackets(code)}: ${advice}`;
}

/** The remedy for an error of a file, a folder or SQLite, by its code; `otherwise` for unknown codes. */
export function fileRemedy(code: string | undefined, otherwise: string): string {
  return FILES[code ?? ""] ?? FILES[/^SQLITE_[A-Z]+/.exec(code ?? "")?.[0] ?? ""] ?? otherwise;
}

/** One sentence with the remedy for an error of the store. Quotes no error message. Undefined for other errors. */
export function storeRemedy(cause: unknown): string | undefined {
  const code = failureCode(cause);
  if (code?.startsWith("SQLITE_"))
    return `The database in MINTMARK_DATA cannot be used${inBrackets(code)}: ${fileRemedy(code, RESTORE)}`;
  if (cause instanceof ConnectionError || SQLSTATE.test(code ?? "")) return postgresRemedy(cause);
  return undefined;
}

/** The code in brackets; empty for codes of this program. */
export function inBrackets(code: string | undefined): string {
  return code === undefined || /^$|^NO_|^AUTH/.test(code) ? "" : ` (${code})`;
}

/** Errnos start with E, SQLSTATEs do not. */
const SQLSTATE = /^(?!E)[0-9A-Z]{5}$/;

function classOf(code: string): string {
  if (SQLSTATE.test(code)) return code.slice(0, 2);
  return /^ERR_(SSL|OSSL)/.exec(code)?.[0] ?? "";
}
