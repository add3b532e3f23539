import { hasSecret } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import type { Caller } from "../access/caller.ts";

/**
 * Whether the secret that authenticated a caller is no longer valid: the client was removed, or the secret rotated.
 * `sequence` is that of the latest change; the store is read only if it is higher than at the authentication.
 */
export type EndedSecretCheck = (caller: Caller, sequence: number) => Promise<boolean>;

export type EndedSecretOptions = { store: Pick<Store, "findClient">; clock: Clock };

export function createEndedSecretCheck({ store, clock }: EndedSecretOptions): EndedSecretCheck {
  return async ({ clientId, asOf, secretHash = "" }, sequence) => {
    if (asOf === undefined || asOf >= sequence) return false;
    const client = await store.findClient(clientId);
    return !hasSecret(client?.secrets ?? [], secretHash, clock());
  };
}

/**
 * Watches the secret of a long-lived caller, such as a follower. Each call returns whether the secret has ended, and reads
 * the store only if `clientsSequence` has changed since the last call.
 */
export function watchSecret({ store, clock }: EndedSecretOptions, { clientId, asOf, secretHash }: Caller) {
  let known = -1;
  let endsAt: Seconds | undefined;
  return async (clientsSequence: number): Promise<boolean> => {
    if (asOf === undefined) return false;
    if (clientsSequence !== known) {
      const secrets = (await store.findClient(clientId))?.secrets ?? [];
      const secret = secrets.find(({ hash }) => hash === secretHash);
      known = clientsSequence;
      endsAt = secret === undefined ? 0 : secret.expiresAt;
    }
    return endsAt !== undefined && endsAt <= clock();
  };
}
