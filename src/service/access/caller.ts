import { type Issue, MintmarkError } from "../../errors.ts";
import { type Client, hasSecret, type Permission } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";

/** An authenticated client and its permissions. First argument of every use case. */
export type Caller = Pick<Client, "clientId" | "permissions" | "scopes" | "audiences" | "anySubject" | "maxTtl"> & {
  /** Sequence number of the latest change before the client was read. Absent for callers that are no stored client. */
  asOf?: number;
  /** Hash of the secret that authenticated the client. */
  secretHash?: string;
};

const EVERYTHING = { permissions: ["admin"], scopes: [], audiences: [], anySubject: true } as const;

/** The caller where access is open, or within this process. Has every permission. */
export const localCaller: Caller = { clientId: "local", ...EVERYTHING };

/** The server itself, as for a scheduled key rotation. */
export const systemCaller: Caller = { clientId: "system", ...EVERYTHING };

export function hasPermission(caller: Caller, permission: Permission): boolean {
  return isAdmin(caller) || caller.permissions.includes(permission);
}

/** Why a caller with none of these permissions is refused. */
export function missing(permissions: readonly Permission[]): Issue {
  return { path: "permission", message: `${permissions.join(" or ")} is missing` };
}

export function isAdmin({ permissions }: Caller): boolean {
  return permissions.includes("admin");
}

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
