import { withTimeout } from "../../async/with-timeout.ts";
import { isPublic } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { StoreFollower } from "../feed/store-follower.ts";

export type PublicOriginsOptions = { store: Pick<Store, "listClients">; trust: Pick<StoreFollower, "position"> };

/**
 * Creates the function that returns the origins of the redirect URIs of public clients: their pages call the token endpoint
 * from a browser. Reads the clients again after a change of clients, which is known within a second. Throws `unavailable`
 * after 1.5 s.
 *
 * A loopback URI without a port is of a program that listens on any port: no page on such a port is included.
 */
export function createPublicOrigins({ store, trust }: PublicOriginsOptions): () => Promise<ReadonlySet<string>> {
  let known: { sequence: number; origins: Promise<Set<string>> } | undefined;

  async function read(): Promise<Set<string>> {
    const clients = await store.listClients({ added: true });
    const uris = clients.filter(isPublic).flatMap(({ redirectUris = [] }) => redirectUris);
    // The origin of a URI with the scheme of an application is `null`, which is also that of a sandboxed page.
    return new Set(uris.map((uri) => new URL(uri).origin).filter((origin) => origin !== "null"));
  }

  function refresh(sequence: number): Promise<Set<string>> {
    const origins = read();
    known = { sequence, origins };
    origins.catch(() => {
      if (known?.origins === origins) known = undefined;
    });
    return origins;
  }

  return () => {
    const { clientsSequence: sequence } = trust.position();
    return withTimeout(known?.sequence === sequence ? known.origins : refresh(sequence));
  };
}
