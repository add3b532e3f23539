import { setTimeout as sleep } from "node:timers/promises";
import { createTokenClient } from "../../src/client/client.ts";

/** Concurrent callers. */
const CALLERS = 8;

type Client = ReturnType<typeof createTokenClient>;

/**
 * Calls servers at random, as a load balancer does: one server issues a token, another verifies it, a third refreshes it.
 * The list of servers can change meanwhile.
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
    /** Replaces the servers, and waits for the calls in flight. */
    async use(others: readonly string[]): Promise<void> {
      targets = clientsOf(others);
      await sleep(500);
    },
    /** Returns the rounds of some time. Throws where a call failed. */
    async watch(milliseconds: number): Promise<number> {
      const before = rounds;
      await sleep(milliseconds);
      const [failure] = failures;
      if (failure !== undefined) throw new Error(`${failures.length} calls failed: ${failure}`);
      if (rounds === before) throw new Error("no call was answered");
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
