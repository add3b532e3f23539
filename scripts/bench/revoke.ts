import { setImmediate as turn } from "node:timers/promises";
import { createTokenClient } from "../../src/client/client.ts";
import { createVerifier, type Verifier } from "../../src/verifier/verifier.ts";
import { startPostgres } from "../../test/support/postgres.ts";
import { inMilliseconds, progress, type Report, startOwnServer } from "./support.ts";

type Issuer = { issuer: string; revokeAt: string };

/** Revoke-to-reject: from the acknowledged `revokeToken` to the first rejection at each verifier. */
export async function measure(): Promise<Report> {
  const report: Report = {};
  {
    const server = await startOwnServer();
    const issuer = { issuer: server.url, revokeAt: server.url };
    report["100 verifiers, one server (SQLite)"] = await run(issuer, {
      urls: [server.url],
      verifiers: 100,
      rounds: 100,
    });
    report["2,000 verifiers, one server (SQLite)"] = await run(issuer, {
      urls: [server.url],
      verifiers: 2000,
      rounds: 20,
    });
    await server.stop();
  }
  {
    await using postgres = await startPostgres();
    const issuer = "http://tokens.example";
    const shared = {
      DATABASE_URL: await postgres.newDatabase(),
      MINTMARK_KEK: "none",
      MINTMARK_ISSUER: issuer,
      MINTMARK_ACCESS: "open",
    };
    const servers = [await startOwnServer(shared), await startOwnServer(shared)];
    const urls = servers.map(({ url }) => url);
    report["100 verifiers, over two servers (PostgreSQL)"] = await run(
      { issuer, revokeAt: urls[0] ?? "" },
      { urls, verifiers: 100, rounds: 100 },
    );
    for (const server of servers) await server.stop();
  }
  return report;
}

type Run = { urls: string[]; verifiers: number; rounds: number };

async function run({ issuer, revokeAt }: Issuer, { urls, verifiers: count, rounds }: Run): Promise<string> {
  const client = createTokenClient({ url: revokeAt });
  const verifiers = Array.from({ length: count }, (_, at) =>
    createVerifier({ issuer, audience: issuer, url: urls[at % urls.length] }),
  );
  await Promise.all(verifiers.map(({ ready }) => ready));
  progress(`${count} verifiers are live`);
  const delays: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { token } = await client.getToken.query();
    for (const verifier of verifiers) await verifier.verify(token);
    delays.push(...(await revokeAndWatch(verifiers, token, () => client.revokeToken.mutate({ token }))));
  }
  for (const verifier of verifiers) verifier.close();
  return inMilliseconds(delays);
}

/** Revokes a token, and verifies it with every verifier until each rejects it. A rejection before the response counts as 0. */
export async function revokeAndWatch(
  verifiers: readonly Verifier[],
  token: string,
  revoke: () => Promise<unknown>,
): Promise<number[]> {
  let acknowledged: number | undefined;
  const revoking = revoke().then(() => {
    acknowledged = performance.now();
  });
  const rejected = new Map<Verifier, number>();
  while (rejected.size < verifiers.length) {
    for (const verifier of verifiers) {
      if (rejected.has(verifier)) continue;
      await verifier.verify(token).catch(() => rejected.set(verifier, performance.now()));
    }
    await turn();
  }
  await revoking;
  return [...rejected.values()].map((at) => Math.max(0, at - (acknowledged ?? at)));
}
