import { describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import type { Store } from "../../src/store/store.ts";
import type { Credentials } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { openSharedService } from "../support/shared-service.ts";

const ADDRESS = "192.0.2.1";
const OF_CLIENT = 10;

/** A service that counts its reads of clients, which can be delayed. */
async function openSlow() {
  const lookUps = { count: 0, held: undefined as Promise<void> | undefined, toHold: 0 };
  const wrap = (store: Store): Store => ({
    ...store,
    async findClient(clientId) {
      lookUps.count += 1;
      const found = await store.findClient(clientId);
      lookUps.toHold -= 1;
      if (lookUps.toHold >= 0) await lookUps.held;
      return found;
    },
  });
  const opened = await openSharedService({ wrap });
  return {
    ...opened,
    lookUps,
    client: await addClient(opened.service),
    /** Delays the next reads of clients until the returned function is called. */
    hold(times: number): () => void {
      lookUps.toHold = times;
      let release = () => {};
      lookUps.held = new Promise((resolve) => {
        release = () => {
          lookUps.toHold = 0;
          resolve();
        };
      });
      return release;
    },
    call: (credentials: Credentials) =>
      opened.service.authenticate(credentials, ADDRESS).then(
        () => "served",
        ({ reason }) => reason,
      ),
  };
}

const wrong = ({ clientId }: Credentials, at = 0) => ({ clientId, clientSecret: `guess ${at}` });

describe("the first calls of a client from an address, all at once", () => {
  it("are all served", async () => {
    await using slow = await openSlow();
    const calls = Array.from({ length: 1000 }, () => slow.call(slow.client));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["served"]));
  });

  it.each<[string, (client: Credentials, at: number) => Credentials]>([
    ["with one right secret", (client) => client],
    ["with one wrong secret", (client) => wrong(client)],
    ["with a different secret each", wrong],
    ["without credentials that can be read", () => ({ clientId: "nobody", clientSecret: "" })],
  ])("are each refused within two seconds while the database hangs, %s", async (_name, credentialsOf) => {
    await using slow = await openSlow();
    const release = slow.hold(Number.POSITIVE_INFINITY);
    const began = performance.now();
    const calls = Array.from({ length: 2 * OF_CLIENT }, async (_, at) => {
      const outcome = await slow.call(credentialsOf(slow.client, at));
      return { outcome, isInTime: performance.now() - began < 2000 };
    });
    expect(await Promise.all(calls)).toEqual(Array(2 * OF_CLIENT).fill({ outcome: "unavailable", isInTime: true }));
    release();
    expect(await slow.call(slow.client)).toBe("served");
  });

  it("are counted one by one if they fail, though the client is read once", async () => {
    await using slow = await openSlow();
    const calls = Array.from({ length: 30 }, () => slow.call(wrong(slow.client)));
    const outcomes = [...Array(OF_CLIENT).fill("invalid_client"), ...Array(20).fill("too_many_attempts")];
    expect((await Promise.all(calls)).toSorted()).toEqual(outcomes);
    expect(slow.lookUps.count).toBe(1);
  });

  it("read the client each if they succeed: none is accepted after the removal of the client", async () => {
    await using slow = await openSlow();
    const release = slow.hold(1);
    const before = slow.call(slow.client);
    await expect.poll(() => slow.lookUps.count).toBe(1);
    await slow.service.clients.remove(localCaller, slow.client.clientId);
    const after = [slow.call(slow.client), slow.call(slow.client)];
    release();
    expect(await before).toBe("served");
    expect(await Promise.all(after)).toEqual(["invalid_client", "invalid_client"]);
  });
});

describe("calls of a client that has authenticated before", () => {
  it("share a read of the client when they arrive together, and read it again when they do not", async () => {
    await using slow = await openSlow();
    expect(await slow.call(slow.client)).toBe("served");
    slow.lookUps.count = 0;
    const calls = Array.from({ length: 20 }, () => slow.call(slow.client));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["served"]));
    expect(slow.lookUps.count).toBe(1);
    expect(await slow.call(slow.client)).toBe("served");
    expect(slow.lookUps.count).toBe(2);
  });
});
