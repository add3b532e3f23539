import type { Issue } from "../../errors.ts";
import type { Client, Permission } from "../../store/client.ts";

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
