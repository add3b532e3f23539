import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { startConsumer } from "../../test/support/consumer.ts";
import { startNginx } from "../../test/support/nginx.ts";
import { startPostgres } from "../../test/support/postgres.ts";
import { freePort, startServer } from "../../test/support/process.ts";
import type { Earlier } from "./earlier.ts";

/** Longer than nginx avoids a server that refused a connection, in milliseconds. */
const FAIL_TIMEOUT = 11_000;

/** Longest time until a verifier follows again, in milliseconds. */
const TIMEOUT_MS = 10_000;

const ISSUER = "https://tokens.example";
const credentials = { clientId: "admin", clientSecret: randomBytes(32).toString("base64url") };

/** Upgrades two servers one after the other, as in the deployment guide, while another service calls and follows. */
export async function upgradeBehindNginx(earlier: Earlier): Promise<string> {
  await using postgres = await startPostgres();
  const env = {
    MINTMARK_ISSUER: ISSUER,
    MINTMARK_ACCESS: "clients",
    MINTMARK_ADMIN_SECRET: credentials.clientSecret,
    MINTMARK_KEK: randomBytes(32).toString("base64url"),
    DATABASE_URL: await postgres.newDatabase(),
  };
  const ports = [await freePort(), await freePort()];
  const start = (PORT: string, from?: Earlier) => startServer({ ...env, PORT }, from && { root: from.root });
  const servers = await Promise.all(ports.map((port) => start(port, earlier)));
  await using nginx = await startNginx(ports.map((port) => `127.0.0.1:${port}`));
  const { origin: url, certificate } = nginx;
  await using consumer = startConsumer({ url, issuer: ISSUER, credentials }, { certificate: certificate.file });
  await consumer.ask("ready");
  await consumer.ask("callOn", 4);

  try {
    for (const [at, port] of ports.entries()) {
      await servers[at]?.stop();
      servers[at] = await start(port);
      await sleep(FAIL_TIMEOUT);
    }
    return await conclude(consumer);
  } finally {
    for (const server of servers) await server.stop();
  }
}

async function conclude({ ask }: ReturnType<typeof startConsumer>): Promise<string> {
  const { rounds, failures } = await ask("calls");
  if (failures.length > 0)
    throw new Error(`${failures.length} calls of ${rounds} rounds failed: ${failures.slice(0, 8).join("; ")}`);
  const until = performance.now() + TIMEOUT_MS;
  while (!(await ask("follows"))) if (performance.now() > until) throw new Error("the verifier does not follow");
  const took = await ask("revoke", (await ask("getToken")).token);
  return `${rounds} rounds of calls, none failed; then a revocation took ${took.toFixed(0)} ms to a verifier`;
}
