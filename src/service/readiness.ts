import type { Keys } from "./keys.ts";
import type { Trust } from "./trust.ts";

/** What must be so for requests to be served in full, by name, and what is wrong with it where it is not. */
export type Readiness = {
  /** Whether the database can be asked. Without it tokens are still verified, but none are issued. */
  store: "ok" | "unavailable";
  /** Whether keys are loaded and one of them signs. */
  keys: "ok" | "unavailable";
  /** Whether it is known what was revoked of late. Without it no token is verified either. */
  trust: "ok" | "stale";
  /** Whether this machine's clock may be right. By one that is behind, tokens are issued that others take for expired. */
  clock: "ok" | "behind";
  /** Whether this server goes on. One that is about to stop still answers; whoever asks next should ask another. */
  server: "ok" | "draining";
};

export async function checkReadiness({
  trust,
  keys,
  checkClock,
  isDraining,
}: {
  trust: Pick<Trust, "latest" | "isStale">;
  keys: Pick<Keys, "current">;
  checkClock: () => Readiness["clock"];
  isDraining: boolean;
}): Promise<Readiness> {
  const store = await trust.latest().then(
    () => "ok" as const,
    () => "unavailable" as const,
  );
  return {
    store,
    keys: canSign(keys) ? "ok" : "unavailable",
    trust: trust.isStale() ? "stale" : "ok",
    clock: checkClock(),
    server: isDraining ? "draining" : "ok",
  };
}

function canSign(keys: Pick<Keys, "current">): boolean {
  try {
    return keys.current().signing !== undefined;
  } catch {
    return false;
  }
}
