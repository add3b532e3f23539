import type { Seconds } from "../time.ts";

/** What a client may be allowed to do. `admin` is all of it. */
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

/** A secret as it is kept: its hash, and when it stops counting, if that is settled. */
export type ClientSecret = { hash: string; createdAt: Seconds; expiresAt?: Seconds };

/** A machine client and what it may do (RFC 6749 §2). */
export type Client = {
  clientId: string;
  /** For people; not unique. */
  name: string;
  permissions: readonly Permission[];
  /** Scope tokens it may ask for. `*` is any. */
  scopes: readonly string[];
  /** Audiences it may ask for, beside the default one. `*` is any. */
  audiences: readonly string[];
  /** Whether it may name subjects other than itself. */
  anySubject: boolean;
  /** Longest lifetime it may ask for. Undefined: as long as anybody may. */
  maxTtl?: Seconds | undefined;
  createdAt: Seconds;
  /** SHA-256, base64url. Two while a rotated one is still accepted. */
  secrets: readonly ClientSecret[];
};

/** Whether a secret, by its hash, is one that counts at a moment. */
export function hasSecret(secrets: readonly ClientSecret[], hash: string, now: Seconds): boolean {
  return secrets.some((secret) => secret.hash === hash && (secret.expiresAt === undefined || now < secret.expiresAt));
}
