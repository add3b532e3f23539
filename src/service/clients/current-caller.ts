import { MintmarkError } from "../../errors.ts";
import { hasSecret, type Permission } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import { type Caller, hasPermission, missing } from "../access/caller.ts";

export type CurrentCallerOptions = { store: Pick<Store, "findClient">; clock: Clock };

/**
 * A caller with its rights as of a change: they may have been withdrawn since its authentication. `sequence` is that of the
 * latest change; the store is read only if it is higher than at the authentication. Throws `invalid_client` where the client
 * was removed, or the secret that authenticated it is no longer valid.
 */
export type CurrentCaller = (caller: Caller, sequence: number) => Promise<Caller>;

export function createCurrentCaller({ store, clock }: CurrentCallerOptions): CurrentCaller {
  return async (caller, sequence) => {
    const { clientId, asOf, secretHash = "" } = caller;
    if (asOf === undefined || asOf >= sequence) return caller;
    const client = await store.findClient(clientId);
    if (client === undefined || !hasSecret(client.secrets, secretHash, clock()))
      throw new MintmarkError("invalid_client");
    return { ...client, secretHash };
  };
}

/**
 * Watches a long-lived caller, such as a follower. Each call throws `invalid_client` where its secret has ended, and
 * `permission_denied` where it no longer has the permission. Reads the store only if `clientsSequence` has changed since the
 * last call.
 */
export function watchCaller(
  { store, clock }: CurrentCallerOptions,
  { caller: { clientId, asOf, secretHash }, permission }: { caller: Caller; permission: Permission },
): (clientsSequence: number) => Promise<void> {
  let known = -1;
  let endsAt: Seconds | undefined;
  let isPermitted = true;
  return async (clientsSequence) => {
    if (asOf === undefined) return;
    if (clientsSequence !== known) {
      const client = await store.findClient(clientId);
      const secret = client?.secrets.find(({ hash }) => hash === secretHash);
      known = clientsSequence;
      endsAt = secret === undefined ? 0 : secret.expiresAt;
      isPermitted = client !== undefined && hasPermission(client, permission);
    }
    if (endsAt !== undefined && endsAt <= clock()) throw new MintmarkError("invalid_client");
    if (!isPermitted) throw new MintmarkError("permission_denied", { issues: [missing([permission])] });
  };
}
