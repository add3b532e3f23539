import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { MintmarkError, type Reason } from "../../src/errors.ts";
import type { Store } from "../../src/store/store.ts";
import { guarded } from "./children.ts";
import type { StoreAddress } from "./store-address.ts";
import type { StoreRequest, StoreResponse } from "./store-process.ts";

export type Elsewhere = ReturnType<typeof startElsewhere>;

/** A store that another process has open. Only that process hears of what is watched there. */
export type StoreElsewhere = Omit<Store, "shared" | "watch"> & { watch(): Promise<void> };

const verbs = [
  "listKeys",
  "addKey",
  "revokeKey",
  "rewrapKeys",
  "findClient",
  "listClients",
  "addClient",
  "replaceSecrets",
  "removeClient",
  "appendAudit",
  "listAudit",
  "pruneAudit",
  "position",
  "changeSettings",
  "revoke",
  "listRevocations",
  "forgetRevocations",
  "addGrant",
  "findGrant",
  "rotateRefreshToken",
  "pruneGrants",
  "addToCounts",
  "readCounts",
  "pruneCounts",
  "checkWritable",
  "watch",
  "close",
] as const satisfies (keyof Store)[];

/** Starts another process, in which stores can be opened and used from this one. Killed at the end of its block. */
export function startElsewhere() {
  const child = guarded(
    fork(join(import.meta.dirname, "store-process.ts"), [], {
      execArgv: ["--import", "tsx"],
      serialization: "advanced",
    }),
  );
  const ask = createAsk(child);
  const ended = once(child, "exit");

  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  return {
    kill,
    /** Opens a store there. What is asked of it is done there. */
    async open(address: StoreAddress): Promise<StoreElsewhere> {
      const store = (await ask({ open: address })) as number;
      const calls = verbs.map((verb) => [verb, (...parameters: unknown[]) => ask({ store, verb, parameters })]);
      return Object.fromEntries(calls);
    },
    /** Asks nothing more, and waits until the process ends by itself. */
    async leave(): Promise<void> {
      child.disconnect();
      await ended;
    },
    [Symbol.asyncDispose]: kill,
  };
}

type Asked = { resolve: (outcome: unknown) => void; reject: (error: Error) => void };

function createAsk(child: ChildProcess): (request: StoreRequest) => Promise<unknown> {
  const waiting = new Map<number, Asked>();
  let count = 0;
  child.on("message", ({ id, ...response }: StoreResponse) => {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if ("outcome" in response) resolve?.(response.outcome);
    else reject?.(response.reason ? new MintmarkError(response.reason as Reason) : new Error(response.message));
  });
  child.once("exit", () => {
    for (const { reject } of waiting.values()) reject(new Error("the other process has ended"));
  });
  return (request) =>
    new Promise((resolve, reject) => {
      count += 1;
      waiting.set(count, { resolve, reject });
      child.send({ ...request, id: count });
    });
}
