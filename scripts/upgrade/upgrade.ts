/**
 * Upgrades without a failed call: servers of an earlier commit and of this one on one database.
 *
 *     npm run upgrade                                from the commit before this one
 *     npm run upgrade -- --from COMMIT --seconds 10  from COMMIT, b89d670 or later, with 10 seconds of load a step
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTokenClient } from "../../src/client/client.ts";
import { hasNginx } from "../../test/support/nginx.ts";
import { startPostgres } from "../../test/support/postgres.ts";
import { type StartedServer, startServer } from "../../test/support/process.ts";
import { readOptions } from "../../test/support/script-options.ts";
import { createSteps } from "../steps.ts";
import { upgradeBehindNginx } from "./behind-nginx.ts";
import { crossings } from "./crossings.ts";
import { buildEarlier, type Earlier } from "./earlier.ts";
import { startLoad } from "./load.ts";

const ROOT = join(import.meta.dirname, "../..");
const COMMON = { MINTMARK_ISSUER: "https://tokens.example", MINTMARK_ACCESS: "open" };

const { step, conclude } = createSteps();

async function onPostgres(earlier: Earlier, load: { seconds: number }): Promise<void> {
  process.stdout.write("PostgreSQL, both at once\n");
  await using postgres = await startPostgres();
  const env = {
    ...COMMON,
    DATABASE_URL: await postgres.newDatabase(),
    MINTMARK_KEK: randomBytes(32).toString("base64url"),
  };
  const startEarlier = () => startServer(env, { root: earlier.root });
  let old = await startEarlier();
  const kept = await createTokenClient({ url: old.origin }).getToken.query({ expiresIn: 3600, refreshable: true });
  const calls = startLoad([old.origin]);
  const underLoad = async () => `${await calls.watch(load.seconds * 1000)} rounds of calls, none failed`;
  await step("the earlier one serves", underLoad);

  const fresh = await startServer(env);
  await step("the earlier one serves on after this one has migrated the tables", underLoad);
  await calls.use([old.origin, fresh.origin]);
  await step("both serve", underLoad);
  const sides = () =>
    [
      { url: old.origin, root: earlier.root },
      { url: fresh.origin, root: ROOT },
    ] as const;
  for (const [name, work] of Object.entries(crossings(...sides()))) await step(`earlier to this: ${name}`, work);
  for (const [name, work] of Object.entries(crossings(sides()[1], sides()[0])))
    await step(`this to earlier: ${name}`, work);
  await step("both serve on", underLoad);

  await calls.use([fresh.origin]);
  await step("the earlier one stops on SIGTERM", () => stop(old));
  await step("this one serves alone", underLoad);
  await step("tokens and grants of the earlier one are valid", () => verifyIssued(fresh.origin, kept));

  old = await startEarlier();
  await calls.use([old.origin]);
  await step("this one stops on SIGTERM", () => stop(fresh));
  await step("the earlier one serves alone on the migrated tables, as after a rollback", underLoad);
  await calls.end();
  await old.stop();
}

async function stop(server: StartedServer): Promise<string> {
  const { code } = await server.stop();
  if (code !== 0) throw new Error(`exit ${code}`);
  return "exit 0";
}

type Kept = { token: string; refreshToken?: string | undefined };

async function verifyIssued(url: string, { token, refreshToken = "" }: Kept): Promise<string> {
  const client = createTokenClient({ url });
  await client.verifyToken.mutate({ token });
  const next = await client.refreshToken.mutate({ refreshToken });
  await client.verifyToken.mutate({ token: next.token });
  return "its token and its grant";
}

async function onSqlite(earlier: Earlier): Promise<void> {
  process.stdout.write("the embedded database, one after the other\n");
  const data = mkdtempSync(join(tmpdir(), "mintmark-upgrade-"));
  const sides = { earlier: earlier.root, this: ROOT };
  const serveBy = async (side: keyof typeof sides, work: (url: string) => Promise<string>) => {
    const server = await startServer({ ...COMMON, MINTMARK_DATA: data }, { root: sides[side] });
    await step(side === "this" ? "this one" : "the earlier one", () => work(server.origin));
    await server.stop();
  };
  const issue = (url: string) => createTokenClient({ url }).getToken.query({ expiresIn: 3600, refreshable: true });
  let [kept, revoked]: (Kept | undefined)[] = [];
  await serveBy("earlier", async (url) => {
    [kept, revoked] = await Promise.all([issue(url), issue(url)]);
    await createTokenClient({ url }).revokeToken.mutate({ token: revoked?.token ?? "" });
    return "makes the folder, issues and revokes";
  });
  const opened = (what: string) => async (url: string) => {
    if (kept === undefined || revoked === undefined) throw new Error("nothing was issued");
    const verdict = createTokenClient({ url }).verifyToken.mutate({ token: revoked.token });
    const reason = await verdict.then(
      () => "accepted",
      (error) => error.data?.reason,
    );
    if (reason !== "token_revoked") throw new Error(`the revoked token is ${reason}`);
    const good = await verifyIssued(url, kept);
    kept = await issue(url);
    return `${what}: ${good} are valid, and the revoked token is not`;
  };
  await serveBy("this", opened("opens it"));
  await serveBy("earlier", opened("opens it again, as after a rollback"));
  rmSync(data, { recursive: true, force: true });
}

const USAGE = "usage: npm run upgrade [-- --from COMMIT] [--seconds SECONDS]\n";

const { from = "HEAD~1", seconds = "5" } = readOptions(USAGE, {
  from: { type: "string" },
  seconds: { type: "string" },
  help: { type: "boolean" },
});
using earlier = buildEarlier(from);
process.stdout.write(`from ${earlier.name}\n`);
await onPostgres(earlier, { seconds: Number(seconds) });
await onSqlite(earlier);
process.stdout.write("behind nginx, as the deployment guide says\n");
if (hasNginx) await step("two servers are upgraded in turn", () => upgradeBehindNginx(earlier));
else process.stdout.write("  nginx absent: skipped\n");
conclude("no call failed");
