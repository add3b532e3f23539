import { coalesceReads } from "../../async/coalesce.ts";
import type { Turn } from "../../async/turn.ts";
import { type Issue, MintmarkError } from "../../errors.ts";
import { type Client, endOf, type GrantType, hasCredential, isPublic, type Permission } from "../../store/client.ts";
import type { Position, Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";

/** An authenticated client and its permissions. First argument of every use case. */
export type Caller = Pick<Client, "clientId" | "permissions" | "scopes" | "audiences" | "anySubject" | "maxTtl"> & {
  /** Default: every grant type. */
  grants?: Client["grants"] | undefined;
  firstParty?: boolean | undefined;
  redirectUris?: Client["redirectUris"];
  backchannelLogoutUri?: string | undefined;
  introduced?: Client["introduced"];
  lastUsedAt?: Client["lastUsedAt"];
  /** How the client authenticated. Absent for callers that are no stored client. */
  authMethod?: Client["authMethod"] | undefined;
  /** Sequence number of the latest change before the client was read. Absent for callers that are no stored client. */
  asOf?: number;
  /** When the client was read: until the end of this turn, no request can have learned of a change since. */
  readIn?: Turn;
  /** What authenticated the client; see `hasCredential`. */
  credential?: string;
};

const EVERYTHING = { permissions: ["admin"], scopes: [], audiences: [], anySubject: true } as const;

/** The caller where access is open, or within this process. Has every permission. */
export const localCaller: Caller = { clientId: "local", ...EVERYTHING };

/** The server itself, as for a scheduled key rotation. */
export const systemCaller: Caller = { clientId: "system", ...EVERYTHING };

/** A public client has no permission: anyone can present its id. An earlier release may have given it one. */
export function hasPermission(caller: Caller, permission: Permission): boolean {
  return isAdmin(caller) || (!isPublic(caller) && caller.permissions.includes(permission));
}

/** The denial of a caller that may not use a grant type. */
export function grantViolation({ grants }: Caller, grant: GrantType): Issue | undefined {
  if (grants === undefined || grants.includes(grant)) return undefined;
  return { path: "grant", message: `${grant} is not allowed to this client` };
}

/** Why a caller with none of these permissions is refused. */
export function missing(permissions: readonly Permission[]): Issue {
  return { path: "permission", message: `${permissions.join(" or ")} is missing` };
}

export function isAdmin(caller: Caller): boolean {
  return !isPublic(caller) && caller.permissions.includes("admin");
}

export type CurrentCallerOptions = { store: Pick<Store, "findClient">; clock: Clock };

/**
 * A caller with its rights as of a position: they may have been withdrawn since its authentication. The client is read only
 * if clients have changed since. Throws `invalid_client` where the client was removed, or the secret that authenticated it is
 * no longer valid.
 */
export type CurrentCaller = (caller: Caller, latest: Pick<Position, "clientsSequence">) => Promise<Caller>;

export function createCurrentCaller({ store, clock }: CurrentCallerOptions): CurrentCaller {
  return async (caller, { clientsSequence }) => {
    const { clientId, asOf, credential = "" } = caller;
    if (asOf === undefined || asOf >= clientsSequence) return caller;
    const client = await store.findClient(clientId);
    if (client === undefined || !hasCredential(client, credential, clock())) throw new MintmarkError("invalid_client");
    return { ...client, credential };
  };
}

/** A long-lived caller, such as a follower, with what was read of it. */
export type WatchedCaller = Pick<Caller, "clientId"> & {
  /** Whether it is a client of the store, as opposed to a caller within this process. */
  isStored: boolean;
  credential: string;
  /** As of which change the following was read. */
  checkedAt: number;
  endsAt: Seconds | undefined;
  isPermitted: boolean;
};

/**
 * Creates the function that checks watched callers. It throws or rejects with `invalid_client` where the secret has ended, and
 * `permission_denied` where the caller no longer has the permission. Reads the store only if `clientsSequence` has changed
 * since the last check, and once for all callers of a client that are checked together.
 */
export function createCallerCheck({ store, clock }: CurrentCallerOptions, permission: Permission) {
  const find = coalesceReads(store.findClient);

  function refuse({ endsAt, isPermitted }: WatchedCaller): undefined {
    if (endsAt !== undefined && endsAt <= clock()) throw new MintmarkError("invalid_client");
    if (!isPermitted) throw new MintmarkError("permission_denied", { issues: [missing([permission])] });
  }

  async function read(caller: WatchedCaller, clientsSequence: number): Promise<void> {
    const client = await find(caller.clientId);
    caller.checkedAt = clientsSequence;
    caller.endsAt = client === undefined ? 0 : endOf(client, caller.credential);
    caller.isPermitted = client !== undefined && hasPermission(client, permission);
    refuse(caller);
  }

  return (caller: WatchedCaller, clientsSequence: number): Promise<void> | undefined => {
    if (!caller.isStored) return undefined;
    return clientsSequence === caller.checkedAt ? refuse(caller) : read(caller, clientsSequence);
  };
}
