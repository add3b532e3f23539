import type { FoundClient } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import { identifier } from "../../token/claims.ts";

/**
 * Finds the client of an id that an unauthenticated caller presents. Looks up nothing that can be the id of no client: a
 * database refuses some texts, such as NUL.
 */
export async function findPresentedClient(
  store: Pick<Store, "findClient">,
  clientId: string | undefined,
): Promise<FoundClient | undefined> {
  return clientId !== undefined && identifier.safeParse(clientId).success ? store.findClient(clientId) : undefined;
}
