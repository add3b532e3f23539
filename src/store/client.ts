import type { Seconds } from "../time.ts";

/**
 * Permissions of a client. `admin` includes all others. `verify` permits nothing, since verification is open to all; stored
 * clients have it, and the typed client and the command accept it.
 */
export const permissions = [
  "issue",
  "verify",
  "introspect",
  "revoke",
  "rotate_keys",
  "manage_clients",
  "read_audit",
  "follow_events",
  "read_metrics",
  "admin",
] as const;
export type Permission = (typeof permissions)[number];

/** A stored client secret: SHA-256 hash (base64url) and optional expiry. */
export type ClientSecret = { hash: string; createdAt: Seconds; expiresAt?: Seconds };

/** A machine client and its permissions (RFC 6749 §2). */
export type Client = {
  clientId: string;
  /** Display name; not unique. */
  name: string;
  permissions: readonly Permission[];
  /** Scope tokens it may request. `*` is any. */
  scopes: readonly string[];
  /** Audiences it may request, beside the default one. `*` is any. */
  audiences: readonly string[];
  /** Whether it may request tokens for subjects other than itself. */
  anySubject: boolean;
  /** Longest lifetime it may request. Default: the `maxTtl` of the service. */
  maxTtl?: Seconds | undefined;
  createdAt: Seconds;
  /** When it last called or followed; written once a minute. Absent: never. */
  lastUsedAt?: Seconds | undefined;
  /** Several while rotated secrets are still accepted. */
  secrets: readonly ClientSecret[];
};

/** A client as read. `asOf` is the sequence number of the latest change at that time. */
export type FoundClient = Client & { asOf: number };

/** What a client may do. */
export type ClientRights = Pick<Client, "permissions" | "scopes" | "audiences" | "anySubject" | "maxTtl">;

/** The fields of a client that can be changed. */
export type ClientFields = ClientRights & Pick<Client, "name">;

/** The rights of a client, without its other members. */
export function rightsOf({ permissions, scopes, audiences, anySubject, maxTtl }: ClientRights): ClientRights {
  return { permissions, scopes, audiences, anySubject, maxTtl };
}

/** The changeable fields of a client, without its other members. */
export function fieldsOf({ name, ...client }: ClientFields): ClientFields {
  return { name, ...rightsOf(client) };
}

/** Whether two clients have the same rights, listed in the same order. */
export function haveSameRights(one: ClientRights, other: ClientRights): boolean {
  return JSON.stringify(rightsOf(one)) === JSON.stringify(rightsOf(other));
}

/** Whether two clients have the same changeable fields. */
export function haveSameFields(one: ClientFields, other: ClientFields): boolean {
  return one.name === other.name && haveSameRights(one, other);
}

/** Whether two lists of secrets are the same. */
export function areSameSecrets(one: readonly ClientSecret[], other: readonly ClientSecret[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Whether a secret with this hash is valid at `now`. */
export function hasSecret(secrets: readonly ClientSecret[], hash: string, now: Seconds): boolean {
  return secrets.some((secret) => secret.hash === hash && (secret.expiresAt === undefined || now < secret.expiresAt));
}
