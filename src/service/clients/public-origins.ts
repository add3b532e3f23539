import type { Store } from "../../store/store.ts";
import type { Milliseconds } from "../../time.ts";
import type { StoreFollower } from "../feed/store-follower.ts";

/** How long after its addition a client may be unknown here. */
const ADDED_AFTER_MS: Milliseconds = 1000;

/**
 * Makes the function that returns the origins of the redirect URIs of public clients: their scripts call the token endpoint
 * from a browser. Reads the clients again after a change; an added one is known within a second.
 */
export function createPublicOrigins({
  store,
  trust,
}: {
  store: Pick<Store, "listClients">;
  trust: Pick<StoreFollower, "position">;
}): () => Promise<ReadonlySet<string>> {
  let known:
    | { sequence: number; clientsSequence: number; readAt: Milliseconds; origins: Promise<Set<string>> }
    | undefined;

  async function read(): Promise<Set<string>> {
    const clients = await store.listClients();
    const uris = clients.flatMap(({ authMethod, redirectUris }) => (authMethod === "none" ? (redirectUris ?? []) : []));
    // The origin of a URI with the scheme of an application is `null`.
    return new Set(uris.map((uri) => new URL(uri).origin).filter((origin) => origin !== "null"));
  }

  return () => {
    const { sequence, clientsSequence } = trust.position();
    const isCurrent =
      known !== undefined &&
      known.clientsSequence === clientsSequence &&
      (known.sequence === sequence || performance.now() - known.readAt < ADDED_AFTER_MS);
    if (known !== undefined && isCurrent) return known.origins;
    const origins = read();
    known = { sequence, clientsSequence, readAt: performance.now(), origins };
    origins.catch(() => {
      known = undefined;
    });
    return origins;
  };
}
