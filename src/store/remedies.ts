import { failureCode } from "./failure-code.ts";
import { ConnectionError } from "./outage.ts";

/** What to do about a failure: by the whole code first, then by the class of it. */
type Remedies = Readonly<Record<string, string>>;

const CERTIFICATE =
  "its TLS certificate is not trusted: add sslrootcert=FILE with the certificate of its authority to DATABASE_URL";
const HOST = "check the host and port in DATABASE_URL and the network between";
const RIGHTS = "let its user own the database, or a schema named mintmark in it";

/** Socket, name and TLS of a connection to PostgreSQL, and what PostgreSQL and poolers answer (Appendix A of its manual). */
const POSTGRES: Remedies = {
  ECONNREFUSED: "nothing listens there: check that PostgreSQL runs, and the host and port in DATABASE_URL",
  ECONNRESET:
    "the connection was closed: check that PostgreSQL and nothing else listens there, and whether it demands TLS",
  EPIPE: "the connection was closed: check that PostgreSQL and nothing else listens there",
  ENOTFOUND: "no host of that name is known: check the host in DATABASE_URL",
  EAI_AGAIN: "the name of its host cannot be looked up: check the DNS of this machine and the host in DATABASE_URL",
  ETIMEDOUT: `there was no answer in time: ${HOST}, such as a firewall`,
  EHOSTUNREACH: `there is no way to its host: ${HOST}`,
  EHOSTDOWN: `its host is down: ${HOST}`,
  ENETUNREACH: `there is no way to its network: ${HOST}`,
  EADDRNOTAVAIL: `there is no way to its host, or no local port is free: ${HOST}`,
  ENOENT: "there is no socket in that folder: check that PostgreSQL runs, and the host in DATABASE_URL",
  EACCES: "this user may not use its socket: check the host in DATABASE_URL",
  EPERM: "this program may not connect to it: check the rules of the firewall and of the service manager",
  EMFILE: "this process has too many open files: raise its limit, such as LimitNOFILE",
  ENFILE: "this machine has too many open files: raise fs.file-max",
  NO_TLS: "it offers no TLS: let it, or take sslmode out of DATABASE_URL where the network is safe",
  NO_PASSWORD: "it demands a password and DATABASE_URL has none: add it behind the user",
  AUTHENTICATION: "it demands a way to authenticate that is not supported: use scram-sha-256 in its pg_hba.conf",
  DEPTH_ZERO_SELF_SIGNED_CERT: CERTIFICATE,
  SELF_SIGNED_CERT_IN_CHAIN: CERTIFICATE,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: CERTIFICATE,
  UNABLE_TO_GET_ISSUER_CERT: CERTIFICATE,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: CERTIFICATE,
  CERT_UNTRUSTED: CERTIFICATE,
  CERT_SIGNATURE_FAILURE: CERTIFICATE,
  CERT_HAS_EXPIRED: "its TLS certificate has expired: renew it",
  CERT_NOT_YET_VALID: "its TLS certificate is not valid yet: check the clocks of both machines",
  CERT_REVOKED: "its TLS certificate was revoked: renew it",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "its TLS certificate is for another host name: name the host as the certificate does, in DATABASE_URL",
  EPROTO:
    "TLS with it failed: check that PostgreSQL and nothing else listens there, and which versions of TLS it takes",
  ERR_SSL:
    "TLS with it failed: check that PostgreSQL and nothing else listens there, and which versions of TLS it takes",
  ERR_OSSL: "a certificate or key that DATABASE_URL names is none: check sslrootcert, sslcert and sslkey",

  "08P01":
    "the pooler before it refuses: it must be in transaction or session mode, have a connection left, and DATABASE_URL be without options",
  "08": "the connection broke: check that it runs, and the network between",
  "0A000": "its version is too old: use one that its makers support",
  "22021": "its encoding cannot hold all text: create a database with  encoding 'UTF8' template template0",
  "22P05": "its encoding cannot hold all text: create a database with  encoding 'UTF8' template template0",
  "25006": "it is read-only: name the primary server, or check its default_transaction_read_only",
  "22023": "it refuses a setting: check options in DATABASE_URL, and what its user and database are set to",
  "28000":
    "it does not let this user in from here: check the user, its pg_hba.conf, and sslmode=verify-full if it demands TLS",
  "28P01": "check the user and the password in DATABASE_URL, of which one is wrong",
  "28": "it does not let this user in: check the user and the password in DATABASE_URL",
  "3D000": "there is no database of that name: create it, or correct the name in DATABASE_URL",
  "3F000": `there is no schema to put tables in: ${RIGHTS}`,
  "40": "too many changes were made at the same time: try again in a moment",
  "42501": `its user lacks a right: ${RIGHTS}`,
  "42601": "it refuses options in DATABASE_URL: write them as  -c NAME=VALUE",
  "42704": "it knows no setting of that name: check options in DATABASE_URL",
  "42939": "names of schemas that begin with pg_ are reserved: use another in DATABASE_URL",
  "42P07":
    "tables of another program have the names of Mintmark's: name a schema of its own by ?schema=NAME in DATABASE_URL",
  "42710":
    "types of another program have the names of Mintmark's: name a schema of its own by ?schema=NAME in DATABASE_URL",
  "42": "its tables are not as this Mintmark knows them: start the release that changed them, or name another schema by ?schema=NAME in DATABASE_URL",
  "53100": "its disk is full: make room there",
  "53200": "it has no memory left: give it more, or lower its max_connections",
  "53300": "it has no connection left: raise its max_connections, or set connection_limit in DATABASE_URL",
  "53": "it has no resources left: check its log",
  "55000": "it takes no connections to that database: allow them, or correct the name in DATABASE_URL",
  "55P03": "another program holds a lock on its tables: end that, and start again",
  "57014": "it took too long: check its load, and whether another program holds a lock on its tables",
  "57P03": "it is starting or stopping: try again in a moment",
  "57P04": "the database was dropped: create it",
  "57P05": "it closed the connection: start again",
  "57": "it is being stopped: try again when it runs",
  "58": "it cannot read or write its files: check its disk and its log",
  XX001: "its files are damaged: restore it from a backup",
  XX002: "its files are damaged: restore it from a backup, or rebuild the indexes",
  XX: "it failed inside, or the pooler before it does not know this user: check its log and the user in DATABASE_URL",
};

/** For a file that SQLite cannot read. */
export const RESTORE = "restore it from a backup, or name another folder in MINTMARK_DATA";

/** Files, and SQLite's result codes without what is behind their first word. */
const FILES: Remedies = {
  EACCES: "let this user read and write it",
  EPERM: "let this user read and write it",
  EROFS: "its file system is read-only: name a place that can be written",
  ENOSPC: "its disk is full: make room",
  EDQUOT: "the quota of this user is used up: make room",
  EMFILE: "this process has too many open files: raise its limit, such as LimitNOFILE",
  ENFILE: "this machine has too many open files: raise fs.file-max",
  EISDIR: "it is a folder and should be a file: move it away",
  ENOTDIR: "a part of its path is a file: name a folder",
  ELOOP: "its path has links that lead in a circle: name the folder itself",
  ENAMETOOLONG: "its name is too long: name a shorter one",
  EIO: "the disk failed: check it and the log of the system",
  EXDEV: "it cannot be made there: name a place on one file system",
  SQLITE_FULL: "its disk is full: make room, nothing is lost",
  SQLITE_READONLY: "it cannot be written: let this user write the file, its folder and its file system",
  SQLITE_READONLY_DBMOVED: "its files were deleted or replaced beneath this server: put them back, or start it again",
  SQLITE_CANTOPEN: "let this user read and write the file and its folder, and check that the file is one",
  SQLITE_PERM: "let this user read and write the file and its folder",
  SQLITE_AUTH: "let this user read and write the file and its folder",
  SQLITE_IOERR: "the disk failed or is full: check it and the log of the system",
  SQLITE_BUSY: "another program uses it: end that one, and start again",
  SQLITE_LOCKED: "another program uses it: end that one, and start again",
  SQLITE_PROTOCOL: "another program uses it, or its file system has no locks: name a folder on a local disk",
  SQLITE_NOLFS: "its file system takes no files of that size: name a folder elsewhere in MINTMARK_DATA",
  SQLITE_NOMEM: "this machine has no memory left: give it more",
  SQLITE_NOTADB: RESTORE,
  SQLITE_CORRUPT: RESTORE,
};

/** What to do about a failure of PostgreSQL, or of the way to it. */
export function postgresRemedy(cause: unknown): string {
  const code = failureCode(cause) ?? "";
  const advice = POSTGRES[code] ?? POSTGRES[classOf(code)] ?? "check that it runs and what DATABASE_URL says";
  return `The database in DATABASE_URL cannot be used${inBrackets(code)}: ${advice}`;
}

/** What to do about a failure of a file or folder, or of SQLite, by its code. `otherwise` is for codes that are not known. */
export function fileRemedy(code: string | undefined, otherwise: string): string {
  return FILES[code ?? ""] ?? FILES[/^SQLITE_[A-Z]+/.exec(code ?? "")?.[0] ?? ""] ?? otherwise;
}

/** What to do about a failure of the store, in one sentence without what was thrown. Undefined where it is none. */
export function storeRemedy(cause: unknown): string | undefined {
  const code = failureCode(cause);
  if (code?.startsWith("SQLITE_"))
    return `The database in MINTMARK_DATA cannot be used${inBrackets(code)}: ${fileRemedy(code, RESTORE)}`;
  if (cause instanceof ConnectionError || SQLSTATE.test(code ?? "")) return postgresRemedy(cause);
  return undefined;
}

/** A code for whoever searches for it, behind the sentence; none where it is only this program's own. */
export function inBrackets(code: string | undefined): string {
  return code === undefined || /^$|^NO_|^AUTH/.test(code) ? "" : ` (${code})`;
}

/** Errnos of five letters begin with E, and SQLSTATEs do not. */
const SQLSTATE = /^(?!E)[0-9A-Z]{5}$/;

function classOf(code: string): string {
  if (SQLSTATE.test(code)) return code.slice(0, 2);
  return /^ERR_(SSL|OSSL)/.exec(code)?.[0] ?? "";
}
