import { hasSecret } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import type { Caller } from "../access/caller.ts";

/**
 * Whether the secret that a caller was authenticated by counts no more: its client was removed, or was given another one.
 * `sequence` is the number of the latest change: without a change since the authentication, the store is not read.
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
 * Makes a watch over the secret of a caller that stays, as a follower does. Each call tells whether it has ended; the store
 * is read only where clients have changed since the call before, as `clientsSequence` says.
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
