import type { Verbs } from "./consumer-process.ts";
import { startRemote } from "./remote.ts";

type Consumer = { url: string; issuer: string; credentials: { clientId: string; clientSecret: string } };

/**
 * Starts a process with the typed client and a verifier: Node reads the certificates to trust at its start alone. Killed
 * at the end of its block.
 */
export function startConsumer(consumer: Consumer, { certificate }: { certificate: string }) {
  const env = { NODE_EXTRA_CA_CERTS: certificate };
  const { request, ...remote } = startRemote("consumer-process.ts", { words: [JSON.stringify(consumer)], env });
  return {
    ...remote,
    ask: <Verb extends keyof Verbs>(verb: Verb, ...[input]: Parameters<Verbs[Verb]>) =>
      request({ verb, input }) as ReturnType<Verbs[Verb]>,
  };
}
