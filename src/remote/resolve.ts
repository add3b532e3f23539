import { promises } from "node:dns";
import type { Milliseconds } from "../time.ts";

/** Resolves a host name to all its addresses. Rejects if it has none, or when the signal aborts. */
export type Resolve = (host: string, signal: AbortSignal) => Promise<readonly string[]>;

/** Of one query. It is sent twice. */
const QUERY_TIMEOUT_MS: Milliseconds = 1500;

/**
 * Makes the resolver that queries DNS for A and AAAA records. Not by `dns.lookup`: a slow name server would occupy the threads
 * of the process, on which its keys and files depend. So the hosts file is not read. `servers`: default those of the system.
 */
export function createDnsResolve(servers?: readonly string[]): Resolve {
  return async (host, signal) => {
    const resolver = new promises.Resolver({ timeout: QUERY_TIMEOUT_MS, tries: 2 });
    if (servers !== undefined) resolver.setServers(servers);
    const cancel = () => resolver.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
      const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
      const [failure] = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
      if (addresses.length === 0) throw failure;
      return addresses;
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  };
}
