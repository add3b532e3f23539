import type { Client, Permission } from "../../store/client.ts";

/** Who calls, and what they may do: an authenticated client. Every use case is told, first of all. */
export type Caller = Pick<Client, "clientId" | "permissions" | "scopes" | "audiences" | "anySubject" | "maxTtl"> & {
  /** The number of the latest change before the client was looked up. Without it, no client in the store is meant. */
  asOf?: number;
  /** The hash of the secret that the client was authenticated by. */
  secretHash?: string;
};

const EVERYTHING = { permissions: ["admin"], scopes: [], audiences: [], anySubject: true } as const;

/** Who calls where access is open, or from within this process: may do everything, as `local`. */
export const localCaller: Caller = { clientId: "local", ...EVERYTHING };

/** The server itself, when it rotates keys in time. */
export const systemCaller: Caller = { clientId: "system", ...EVERYTHING };

export function hasPermission(caller: Caller, permission: Permission): boolean {
  return isAdmin(caller) || caller.permissions.includes(permission);
}

export function isAdmin({ permissions }: Caller): boolean {
  return permissions.includes("admin");
}
