import { withTimeout } from "../../async/with-timeout.ts";
import { type Client, isPublic } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import { findPresentedClient } from "./find-presented-client.ts";

export type PublicOriginsOptions = { store: Pick<Store, "listClients">; trust: Pick<StoreFollower, "position"> };

/**
 * Creates the function that returns the origins of the redirect URIs of public clients that an administrator added: their pages call the token endpoint
 * from a browser. Reads the clients again after a change of clients, which is known within a second. Throws `unavailable`
 * after 1.5 s.
 *
 * A loopback URI without a port is of a program that listens on any port: no page on such a port is included.
 */
export function createPublicOrigins({ store, trust }: PublicOriginsOptions): () => Promise<ReadonlySet<string>> {
  let known: { sequence: number; origins: Promise<Set<string>> } | undefined;

  async function read(): Promise<Set<string>> {
    const clients = await store.listClients({ added: true });
    return new Set(clients.filter(isPublic).flatMap(originsOf));
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

/**
 * Creates the function that says whether an origin is of a redirect URI of a client that introduced itself. Strangers add such
 * clients, so their origins are known by the client of a request alone. Throws `unavailable` after 1.5 s.
 */
export function createIntroducedOriginCheck({ store }: { store: Pick<Store, "findClient"> }) {
  return async (clientId: string, origin: string): Promise<boolean> => {
    const client = await withTimeout(findPresentedClient(store, clientId));
    return client?.introduced !== undefined && originsOf(client).includes(origin);
  };
}

/** The origin of a URI with the scheme of an application is `null`, which is also that of a sandboxed page. */
function originsOf({ redirectUris = [] }: Pick<Client, "redirectUris">): string[] {
  return redirectUris.map((uri) => new URL(uri).origin).filter((origin) => origin !== "null");
}
