import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { guarded } from "./children.ts";
import type { Verbs } from "./consumer-process.ts";

type Consumer = { url: string; issuer: string; credentials: { clientId: string; clientSecret: string } };

type Asked = { resolve: (outcome: never) => void; reject: (error: Error) => void };

/**
 * Starts a service that uses the typed client and a verifier, in a process of its own: which certificates it trusts,
 * only the start of a process can tell. Killed at the end of its block.
 */
export function startConsumer(consumer: Consumer, { certificate }: { certificate: string }) {
  const child = guarded(
    fork(join(import.meta.dirname, "consumer-process.ts"), [JSON.stringify(consumer)], {
      execArgv: ["--import", "tsx"],
      env: { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: certificate },
    }),
  );
  const waiting = new Map<number, Asked>();
  child.on("message", ({ id, outcome, failure }: { id: number; outcome: never; failure?: string }) => {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (failure === undefined) resolve?.(outcome);
    else reject?.(new Error(failure));
  });
  const ended = once(child, "exit").then(() => {
    for (const { reject } of waiting.values()) reject(new Error("the consumer has ended"));
  });
  let count = 0;
  return {
    ask<Verb extends keyof Verbs>(verb: Verb, ...[input]: Parameters<Verbs[Verb]>): ReturnType<Verbs[Verb]> {
      count += 1;
      const id = count;
      const answer = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
      child.send({ id, verb, input });
      return answer as ReturnType<Verbs[Verb]>;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
