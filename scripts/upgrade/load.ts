import { setTimeout as sleep } from "node:timers/promises";
import { createTokenClient } from "../../src/client/client.ts";

/** Callers that go on at the same time. */
const CALLERS = 8;

type Client = ReturnType<typeof createTokenClient>;

/**
 * Calls servers all the time, one after the other, as those behind a proxy are called: gets a token from one, verifies
 * it by another, refreshes it by a third. Which servers there are may change meanwhile.
 */
export function startLoad(urls: readonly string[]) {
  let targets = clientsOf(urls);
  let ended = false;
  let rounds = 0;
  const failures: string[] = [];

  const call = async () => {
    while (!ended) {
      try {
        await round(() => targets[Math.floor(Math.random() * targets.length)] ?? raise());
        rounds += 1;
      } catch (error) {
        failures.push(error instanceof Error ? error.message : String(error));
      }
    }
  };
  const callers = Promise.all(Array.from({ length: CALLERS }, call));
  return {
    /** Calls these from now on, and waits until nobody waits for another one. */
    async use(others: readonly string[]): Promise<void> {
      targets = clientsOf(others);
      await sleep(500);
    },
    /** Waits, then gives how many rounds there were since and tells of those that failed. */
    async watch(milliseconds: number): Promise<number> {
      const before = rounds;
      await sleep(milliseconds);
      const [failure] = failures;
      if (failure !== undefined) throw new Error(`${failures.length} calls failed: ${failure}`);
      if (rounds === before) throw new Error("nothing was answered");
      return rounds - before;
    },
    async end(): Promise<void> {
      ended = true;
      await callers;
    },
  };
}

async function round(next: () => Client): Promise<void> {
  const first = await next().getToken.query({ subject: "load", refreshable: true });
  await next().verifyToken.mutate({ token: first.token });
  const second = await next().refreshToken.mutate({ refreshToken: first.refreshToken ?? "" });
  await next().verifyToken.mutate({ token: second.token });
}

function clientsOf(urls: readonly string[]): Client[] {
  return urls.map((url) => createTokenClient({ url }));
}

function raise(): never {
  throw new Error("there is no server");
}
