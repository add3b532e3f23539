import { afterEach, describe, expect, it, vi } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { createClientCache } from "../../src/service/clients/client-cache.ts";
import { digestOf, storedSecret } from "../../src/service/clients/client-secret.ts";
import type { Store } from "../../src/store/store.ts";
import type { Credentials } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { NOW } from "../support/service.ts";
import { openSharedService } from "../support/shared-service.ts";

const ADDRESS = "192.0.2.1";
const OF_CLIENT = 10;
const OF_ADDRESS = 100;

/** A service with a client that has authenticated from the address of its guessers. */
async function openWithKnown() {
  const lookUps = { count: 0 };
  const wrap = (store: Store): Store => ({
    ...store,
    findClient(clientId) {
      lookUps.count += 1;
      return store.findClient(clientId);
    },
  });
  const opened = await openSharedService({ wrap });
  const call = (credentials: Credentials): Promise<string> =>
    opened.service.authenticate(credentials, ADDRESS).then(
      () => "served",
      ({ reason }) => reason,
    );
  const client = await addClient(opened.service);
  expect(await call(client)).toBe("served");
  return {
    ...opened,
    lookUps,
    client,
    call,
    async guess(times: number, clientId = client.clientId): Promise<string[]> {
      const outcomes = [];
      for (let at = 0; at < times; at += 1) outcomes.push(await call({ clientId, clientSecret: `guess ${at}` }));
      return outcomes;
    },
    rotate: (overlap: number) =>
      opened.service.clients.rotateSecret(localCaller, { clientId: client.clientId, overlap }),
  };
}

const verified = (times: number) => Array(times).fill("invalid_client");
const limited = (times: number) => Array(times).fill("too_many_attempts");

describe("a client whose secret is guessed where it has authenticated", () => {
  afterEach(() => void vi.useRealTimers());

  it("is guessed no more often than an unknown one, and is still served", async () => {
    await using opened = await openWithKnown();
    const { client, call, guess, lookUps } = opened;
    const before = lookUps.count;
    expect(await guess(3000)).toEqual([...verified(OF_CLIENT), ...limited(3000 - OF_CLIENT)]);
    // Beside the verified guesses, its secrets were read again, once a second at most.
    expect(lookUps.count - before).toBeLessThan(OF_CLIENT + 10);
    for (let at = 0; at < 3 * OF_CLIENT; at += 1) expect(await call(client)).toBe("served");
    await opened.service.maintenance();
    const counted = opened.rows("audit").filter(({ action }) => action === "authenticate");
    expect(counted.map(({ reason, count }) => [reason, count])).toEqual(
      expect.arrayContaining([
        ["invalid_client", OF_CLIENT],
        ["too_many_attempts", 3000 - OF_CLIENT],
      ]),
    );
  });

  it("is guessed no more often by concurrent guesses", async () => {
    await using opened = await openWithKnown();
    const { client, call } = opened;
    const guesses = Array.from({ length: 300 }, (_, at) => call({ ...client, clientSecret: `guess ${at}` }));
    const served = Array.from({ length: 30 }, () => call(client));
    expect((await Promise.all(guesses)).toSorted()).toEqual([...verified(OF_CLIENT), ...limited(300 - OF_CLIENT)]);
    expect(new Set(await Promise.all(served))).toEqual(new Set(["served"]));
  });

  it("is still served after others have exhausted the attempts of the address", async () => {
    await using opened = await openWithKnown();
    for (let at = 0; at < OF_ADDRESS / OF_CLIENT; at += 1) await opened.guess(OF_CLIENT, `nobody ${at}`);
    expect(await opened.guess(1, "nobody else")).toEqual(limited(1));
    expect(await opened.guess(1)).toEqual(limited(1));
    expect(await opened.call(opened.client)).toBe("served");
  });

  it.each([
    ["with an overlap", 3600],
    ["without one", 0],
  ])("is served by a secret rotated %s, within a second", async (_name, overlap) => {
    vi.useFakeTimers({ toFake: ["performance"] });
    await using opened = await openWithKnown();
    const { client, call, guess, rotate } = opened;
    await guess(OF_CLIENT);
    for (let rotations = 0; rotations < 2; rotations += 1) {
      const { clientSecret } = await rotate(overlap);
      expect(await guess(3)).toEqual(limited(3));
      vi.advanceTimersByTime(1000);
      expect(await call({ ...client, clientSecret })).toBe("served");
      expect((await call(client)) === "served").toBe(overlap > 0);
    }
  });

  it("is refused at once after its removal or the end of its secret, and its further calls count as guesses", async () => {
    for (const end of ["rotation", "removal"] as const) {
      await using opened = await openWithKnown();
      const { client, call, guess } = opened;
      if (end === "rotation") await opened.rotate(0);
      else await opened.service.clients.remove(localCaller, client.clientId);
      expect(await call(client)).toBe("invalid_client");
      expect(await guess(OF_CLIENT)).toEqual([...verified(OF_CLIENT - 1), ...limited(1)]);
      expect(await call(client)).toBe("too_many_attempts");
    }
  });
});

describe("the cache of clients", () => {
  it("holds the 10,000 most recently used, and drops the others one by one", () => {
    const cache = createClientCache({ store: { findClient: async () => undefined }, clock: () => NOW });
    const { hash, createdAt } = storedSecret("secret", NOW);
    const digest = digestOf("secret");
    for (let at = 0; at < 10_000; at += 1) cache.add(`pair ${at}`, [{ hash, createdAt }]);
    cache.add("pair 0", [{ hash, createdAt }]);
    cache.add("one more", [{ hash, createdAt }]);
    const names = ["pair 0", "pair 1", "pair 2", "pair 9999", "one more", "nobody"];
    expect(names.filter((pair) => cache.matches(pair, digest))).toEqual(["pair 0", "pair 2", "pair 9999", "one more"]);
    expect(cache.matches("pair 0", digestOf("guess"))).toBe(false);
  });
});
