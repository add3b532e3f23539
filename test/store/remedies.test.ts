import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { describePgbouncer, startPgbouncer } from "../support/pgbouncer.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { PASSWORD, sentenceFor } from "./sentence.ts";

const start = "^The database in DATABASE_URL cannot be used";

describe("a database that cannot be reached", () => {
  it.each([
    [
      "postgres://u:canary-in-a-password@127.0.0.1:9/db",
      `${start} \\(ECONNREFUSED\\): the connection was refused: .* host and port`,
    ],
    ["postgres://u:canary-in-a-password@localhost:9/db", `${start} \\(ECONNREFUSED\\): the connection was refused`],
    [
      "postgres://u:canary-in-a-password@no-such-host.invalid/db",
      `${start} \\((ENOTFOUND|EAI_AGAIN|ETIMEDOUT)\\): .*host`,
    ],
    [
      "postgres://u:canary-in-a-password@%2Fno%2Fsuch%2Ffolder/db",
      `${start} \\(ENOENT\\): there is no socket in that folder`,
    ],
    ["postgres:///db?host=/no/such/folder", `${start} \\(ENOENT\\): there is no socket in that folder`],
    ["postgres://u:canary-in-a-password@", "^DATABASE_URL must name a host: "],
    ["postgres://u:canary-in-a-password@/db", "^DATABASE_URL must name a host: "],
    ["postgres://u:canary-in-a-password@:5432/db", "^DATABASE_URL must name a host: "],
    ["postgres:///db", "^DATABASE_URL must name a host: "],
    ["postgres://u:canary-in-a-password@[::1/db", "^DATABASE_URL cannot be parsed: .* as %XX"],
    ["postgres://u:canary-in-a-password%E9@h/db", "^DATABASE_URL cannot be parsed: .* as %XX"],
    ["postgres://u:canary-in-a-password#@h/db", "^DATABASE_URL cannot be parsed: .* as %XX"],
    ["postgres://u:canary-in-a-password/@h/db", "^DATABASE_URL cannot be parsed: .* as %XX"],
    ["postgres://u:canary-in-a-password@h:99999/db", "^DATABASE_URL cannot be parsed: "],
    ["postgres://u:canary-in-a-password@h:1,i:2/db", "^DATABASE_URL cannot be parsed: .* one host"],
    ["postgres://h/db?port=canary-in-a-password", "^DATABASE_URL cannot be parsed: "],
    [
      "postgres://h/db?sslrootcert=/no/canary-in-a-password",
      "^DATABASE_URL names a file that cannot be read: check the paths and permissions of sslrootcert",
    ],
    ["postgres://h/db?sslkey=/", "^DATABASE_URL names a file that cannot be read: "],
    ["postgres://h/db?sslnegotiation=canary-in-a-password", "^DATABASE_URL has conflicting TLS parameters"],
    [`postgres://h/db?schema=${"x".repeat(64)}`, "^DATABASE_URL must name a schema of at most 63 bytes"],
  ])("(%s) is reported in one line, without parts of the URL", async (url, said) => {
    expect(await sentenceFor(url)).toMatch(new RegExp(said));
  });

  it.each<[string, (socket: Socket) => void, RegExp]>([
    ["closes at once", (socket) => socket.destroy(), /\(ECONNRESET\): the connection was closed: /],
    ["never answers", () => {}, /\(ETIMEDOUT\): the connection timed out: .* firewall/],
    [
      "speaks HTTP",
      (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
      /: .*check that PostgreSQL listens on that port|check that it runs/,
    ],
  ])("and a port that %s", async (_, serve, said) => {
    await using server = await listen(serve);
    expect(await sentenceFor(`postgres://u:${PASSWORD}@127.0.0.1:${server.port}/db`)).toMatch(said);
  });
});

describePostgres("a database that refuses", () => {
  const { query } = sharedPostgres;
  const login = (url: string, username: string, password = PASSWORD) =>
    Object.assign(new URL(url), { username, password }).href;
  const name = (url: string) => new URL(url).pathname.slice(1);

  /** The preparation of a database, the URL, and the message. */
  const REFUSALS: Record<
    string,
    { prepare?: (database: string) => string; at: (url: string) => string; said: RegExp }
  > = {
    "a wrong password": { at: (url) => login(url, "mintmark"), said: /\(28P01\): the user or password is wrong/ },
    "an unknown user": { at: (url) => login(url, "nobody"), said: /\(28P01\): the user or password is wrong/ },
    "no password": {
      at: (url) => login(url, "mintmark", ""),
      said: /cannot be used: it requires a password and DATABASE_URL has none/,
    },
    "an unknown database": { at: (url) => `${url}_else`, said: /\(3D000\): the database does not exist/ },
    "TLS that is not there": {
      at: (url) => `${url}?sslmode=verify-full`,
      said: /cannot be used: it does not support TLS/,
    },
    "an unknown setting": {
      at: (url) => `${url}?options=-c%20nonsense%3D1`,
      said: /\(42704\): .*options of DATABASE_URL/,
    },
    "a wrong setting": {
      at: (url) => `${url}?options=-c%20work_mem%3Dmuch`,
      said: /\(22023\): .*options in DATABASE_URL/,
    },
    "options that are none": { at: (url) => `${url}?options=nonsense`, said: /\(42601\): .*options in DATABASE_URL/ },
    "a search_path to nowhere": {
      at: (url) => `${url}?options=-c%20search_path%3Dnone`,
      said: /^The search_path of the user in DATABASE_URL names no existing schema/,
    },
    "a reserved schema": {
      at: (url) => `${url}?schema=pg_mine`,
      said: /\(42939\): schema names that start with pg_ are reserved/,
    },
    "read-only transactions": {
      prepare: (database) => `alter database ${database} set default_transaction_read_only = on`,
      at: (url) => url,
      said: /\(25006\): it is read-only: name the primary/,
    },
    "connections to the database": {
      prepare: (database) => `alter database ${database} allow_connections false`,
      at: (url) => url,
      said: /\(55000\): the database does not accept connections/,
    },
    "more connections": {
      prepare: (database) =>
        `alter database ${database} connection limit 0; create role few login password '${PASSWORD}'`,
      at: (url) => login(url, "few"),
      said: /\(53300\): it has no connection left: raise its max_connections, or set connection_limit/,
    },
    "the right to connect": {
      prepare: (database) =>
        `revoke connect on database ${database} from public; create role outsider login password '${PASSWORD}'`,
      at: (url) => login(url, "outsider"),
      said: /\(42501\): its user lacks a privilege/,
    },
    "the right to log in": {
      prepare: () => `create role asleep nologin password '${PASSWORD}'`,
      at: (url) => login(url, "asleep"),
      said: /\(28000\): it rejects this user from this host: check the user, its pg_hba.conf/,
    },
    "tables of another program, in the schema mintmark as well": {
      prepare: () => "create table keys (); create schema mintmark; create table mintmark.keys ()",
      at: (url) => url,
      said: /^The schema mintmark of the database has tables of another program: name another one by \?schema=NAME/,
    },
    "a journal that is another program's": {
      prepare: () => "create table mintmark_migration (version int)",
      at: (url) => url,
      said: /\(42703\): its tables do not match this release: .*\?schema=NAME/,
    },
  };

  it.each(Object.entries(REFUSALS))("%s is reported with a remedy in one line", async (_, { prepare, at, said }) => {
    const url = await sharedPostgres.newDatabase();
    // As the administrator of the cluster, from another database: this one may refuse connections afterwards.
    if (prepare !== undefined)
      await query(
        prepare(name(url)),
        /alter database|role/.test(prepare("")) ? `${url.slice(0, url.lastIndexOf("/"))}/postgres` : url,
      );
    expect(await sentenceFor(at(url))).toMatch(said);
  });
});

describePgbouncer("a pooler that refuses", () => {
  it.each([
    ["options", "?options=-c%20search_path%3Dpublic", /\(08P01\): .* remove options from DATABASE_URL/],
    ["an unknown user", undefined, /\((08P01|28P01|28000)\): /],
  ])("%s is reported with a remedy in one line", async (_, parameters, said) => {
    const url = await sharedPostgres.newDatabase();
    await using pooler = await startPgbouncer({ url, mode: "transaction" });
    const at =
      parameters === undefined
        ? Object.assign(new URL(pooler.url), { username: "nobody" }).href
        : `${pooler.url}${parameters}`;
    expect(await sentenceFor(at)).toMatch(said);
  });
});

async function listen(serve: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    serve(socket);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
