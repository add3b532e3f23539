import { expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { createTokenService } from "../../src/service/service.ts";
import { openPostgresStore } from "../../src/store/postgres/postgres.ts";
import { addClient } from "../support/clients.ts";
import { describePgbouncer, startPgbouncer } from "../support/pgbouncer.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";

/** Statements for one token: those of a group count once. */
const OF_A_TOKEN = ["select state", "insert audit"];
const GROUP = 20;

describePostgres("PostgreSQL", () => {
  it("gets two statements for a token, and for all tokens of a turn of the event loop", async () => {
    await using logged = await openLogged(await loggedDatabase());
    const issue = () => logged.service.getToken(localCaller, { claims: {} });
    const issueToClient = async () => logged.service.getToken(await logged.login(), { claims: {} });
    expect(await logged.statementsOf(issue)).toEqual(OF_A_TOKEN);
    expect(await logged.statementsOf(issueToClient)).toEqual(["select clients", "insert audit"]);
    expect(await logged.statementsOf(() => Promise.all(Array.from({ length: GROUP }, issue)))).toEqual(OF_A_TOKEN);
  });

  it("gets each other statement of a client's calls once", async () => {
    await using logged = await openLogged(await loggedDatabase());
    const { service, login, statementsOf } = logged;
    const tokens = { token: "", refreshToken: "" };
    const issued = async () =>
      Object.assign(tokens, await service.getToken(await login(), { claims: {}, refreshable: true }));
    const refreshed = async () =>
      Object.assign(tokens, await service.refreshToken(await login(), { refreshToken: tokens.refreshToken }));
    const revoked = async () => service.revokeToken(await login(), tokens.token);
    expect({
      issued: await statementsOf(issued),
      refreshed: await statementsOf(refreshed),
      revoked: await statementsOf(revoked),
    }).toEqual({
      issued: [
        ...["select clients", "begin", "update state", "select clients", "select revocations"],
        ...["insert sessions", "insert refresh_tokens", "insert audit", "select pg_notify", "commit"],
      ],
      refreshed: [
        ...[
          "select clients",
          "select refresh_tokens",
          "select state",
          "begin",
          "update sessions",
          "select refresh_tokens",
        ],
        ...["update refresh_tokens", "insert refresh_tokens", "insert audit", "commit"],
      ],
      revoked: [
        ...["select clients", "select refresh_tokens", "select state", "begin", "update state", "select clients"],
        ...["select revocations", "insert revocations", "insert audit", "select pg_notify", "commit"],
        // The follower, and the notices that are due.
        ...["select state", "select revocations", "select logout_notices"],
      ],
    });
  });
});

describePgbouncer("PostgreSQL behind a pooler", () => {
  it("gets three statements for each: it is in a transaction that applies the settings", async () => {
    const url = await loggedDatabase();
    await using pooler = await startPgbouncer({ url, mode: "transaction" });
    await using logged = await openLogged(pooler.url);
    const issue = () => logged.service.getToken(localCaller, { claims: {} });
    const expected = OF_A_TOKEN.flatMap((statement) => ["begin", statement, "commit"]);
    expect(await logged.statementsOf(() => Promise.all(Array.from({ length: GROUP }, issue)))).toEqual(expected);
  });
});

/** A database whose statements PostgreSQL logs. */
async function loggedDatabase(): Promise<string> {
  const url = await sharedPostgres.newStoreDatabase();
  await sharedPostgres.query(`alter database ${new URL(url).pathname.slice(1)} set log_statement = 'all'`, url);
  return url;
}

/** A service that reads no changes in the background, and a client of it. */
async function openLogged(url: string) {
  const store = { ...(await openPostgresStore(url)), watch: () => () => {} };
  const service = await createTokenService({ store, open: false });
  const credentials = await addClient(service, { permissions: ["issue", "revoke"], anySubject: true });
  const login = () => service.authenticate(credentials, "127.0.0.1");
  await login();
  return {
    service,
    login,
    /** The statements that some work causes, in short, without those that set up a connection. */
    async statementsOf(work: () => Promise<unknown>): Promise<string[]> {
      const [before] = await sharedPostgres.query(`select size from pg_stat_file(${LOG})`, url);
      await work();
      const [after] = await sharedPostgres.query(`select pg_read_file(${LOG}, ${before?.size}, 9999999) as text`, url);
      const logged = String(after?.text).matchAll(/LOG: {2}(?:statement|execute [^:]+): (.*(?:\n\t.*)*)/g);
      const texts = Array.from(logged, ([, text = ""]) => text).filter(
        (text) => !/ (set_config|pg_\w+_file)\(/.test(text),
      );
      return texts.map(inShort);
    },
    [Symbol.asyncDispose]: () => service.close(),
  };
}

/** The file that PostgreSQL logs to. */
const LOG = "current_setting('data_directory') || '/../log'";

/** The verb of a statement, and its table or function; of several, the last table. */
function inShort(statement: string): string {
  const [verb = ""] = statement.split(/\W/, 1);
  const [, name] =
    /^(?:update|insert into|select .* from) "(\w+)"|^select (\w+)/s.exec(statement)?.filter(Boolean) ?? [];
  return name === undefined ? verb : `${verb} ${name}`;
}
