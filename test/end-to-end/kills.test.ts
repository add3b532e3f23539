import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { freePort, startServer } from "../support/process.ts";
import { temporaryFolder } from "../support/service.ts";

/** Number of kills of each server. MINTMARK_TEST_KILLS sets another. */
const KILLS = Number(process.env.MINTMARK_TEST_KILLS ?? 2);

/** Longest time before a kill beyond 100 ms, in milliseconds. */
const LIFE = 400;
const FIRST_CHANGE = { timeout: 20_000, interval: 10 };

/** Acknowledged changes, stored outside the servers: the secret of each client, and the removed clients. */
type Ledger = { secrets: Map<string, string>; removed: Set<string>; keys: Set<string>; acknowledged: number };

type Client = ReturnType<typeof createTokenClient>;

/** Makes changes in sequence until the server is killed, and records the acknowledged ones. */
async function changeUntilKilled(client: Client, ledger: Ledger): Promise<void> {
  try {
    for (;;) {
      const dice = Math.random();
      const [clientId] = [...ledger.secrets.keys()].sort(() => Math.random() - 0.5);
      if (dice < 0.3) {
        for (const { kid } of await client.keys.rotate.mutate({ immediate: dice < 0.2 })) ledger.keys.add(kid);
      } else if (dice < 0.6 || clientId === undefined) {
        const created = await client.clients.create.mutate({ name: "ledger", permissions: ["issue"] });
        ledger.secrets.set(created.clientId, created.clientSecret);
      } else if (dice < 0.8) {
        // Without an acknowledgement, either secret may be current.
        ledger.secrets.delete(clientId);
        const rotated = await client.clients.rotateSecret.mutate({ clientId, overlap: 0 });
        ledger.secrets.set(clientId, rotated.clientSecret);
      } else {
        ledger.secrets.delete(clientId);
        await client.clients.remove.mutate({ clientId });
        ledger.removed.add(clientId);
      }
      ledger.acknowledged += 1;
    }
  } catch {
    // The server was killed during an unacknowledged change.
  }
}

/** Compares a restarted server with the ledger. */
async function expectNothingLost(url: string, ledger: Ledger): Promise<void> {
  const admin = createTokenClient({ url });
  const keys = await admin.keys.list.query();
  expect(keys.filter(({ state }) => state === "active")).toHaveLength(1);
  expect(keys.map(({ kid }) => kid)).toEqual(expect.arrayContaining([...ledger.keys]));
  const clients = new Set((await admin.clients.list.query()).map(({ clientId }) => clientId));
  for (const clientId of ledger.removed) expect(clients).not.toContain(clientId);
  for (const clientId of ledger.secrets.keys()) expect(clients).toContain(clientId);
  const [pair] = ledger.secrets;
  if (pair !== undefined) {
    const [clientId, clientSecret] = pair;
    const { token } = await createTokenClient({ url, credentials: { clientId, clientSecret } }).getToken.query();
    expect(await admin.verifyToken.mutate({ token })).toMatchObject({ client_id: clientId });
  }
}

async function killAgainAndAgain(environment: Record<string, string>): Promise<Ledger> {
  const ledger: Ledger = { secrets: new Map(), removed: new Set(), keys: new Set(), acknowledged: 0 };
  const fixed = { PORT: await freePort(), ...environment };
  for (let kill = 0; kill <= KILLS; kill += 1) {
    await using server = await startServer(fixed);
    await expectNothingLost(server.origin, ledger);
    if (kill === KILLS) break;
    const changes = Array.from({ length: 4 }, () =>
      changeUntilKilled(createTokenClient({ url: server.origin }), ledger),
    );
    // A slow machine acknowledges nothing in its first 100 ms. Later lives may end so early.
    if (kill === 0) await vi.waitFor(() => expect(ledger.acknowledged).toBeGreaterThan(0), FIRST_CHANGE);
    await sleep(100 + Math.random() * LIFE);
    await server.stop("SIGKILL");
    await Promise.all(changes);
  }
  return ledger;
}

const TIMEOUT = 30_000 + KILLS * 4000;

describe(`a server that is killed ${KILLS} times during changes`, () => {
  it(
    "has lost nothing that it acknowledged, on the embedded database",
    async () => {
      using folder = temporaryFolder();
      const { acknowledged } = await killAgainAndAgain({ MINTMARK_DATA: folder.path });
      expect(acknowledged).toBeGreaterThan(0);
    },
    TIMEOUT,
  );
});

describePostgres(`a server on PostgreSQL that is killed ${KILLS} times during changes`, () => {
  it(
    "has lost nothing that it acknowledged",
    async () => {
      const kek = randomBytes(32).toString("base64url");
      const { acknowledged } = await killAgainAndAgain({
        DATABASE_URL: await sharedPostgres.newDatabase(),
        MINTMARK_KEK: kek,
      });
      expect(acknowledged).toBeGreaterThan(0);
    },
    TIMEOUT,
  );
});
