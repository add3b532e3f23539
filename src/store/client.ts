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
  "sign_in",
  "admin",
] as const;
export type Permission = (typeof permissions)[number];

/** How a client authenticates (RFC 7591 §2). `none`: a public client, which cannot keep a secret. */
export const authMethods = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"] as const;
export type AuthMethod = (typeof authMethods)[number];

/**
 * The grant types that a client may use. `getToken` is `client_credentials`, `refreshToken` is `refresh_token`. `device_code` is
 * `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628 §3.4), which is written in full at the token endpoint alone.
 */
export const grantTypes = ["authorization_code", "client_credentials", "device_code", "refresh_token"] as const;
export type GrantType = (typeof grantTypes)[number];

/** What people themselves grant: it needs no permission. */
export const grantTypesOfPeople: ReadonlySet<GrantType> = new Set(["authorization_code", "device_code"]);

/** The metadata of a client (RFC 7591 §2). */
export type ClientMetadata = {
  /** Settled when the client is added. */
  authMethod: AuthMethod;
  grants: readonly GrantType[];
  /** The public keys of a client with `private_key_jwt`, or the URL of its JWK Set. */
  jwks?: { keys: readonly object[] } | undefined;
  jwksUri?: string | undefined;
  /** Compared as strings; without a port, a loopback URI takes any (RFC 8252 §7.3). */
  redirectUris?: readonly string[] | undefined;
  postLogoutRedirectUris?: readonly string[] | undefined;
  /** Whether people are not asked for consent. */
  firstParty?: boolean | undefined;
  backchannelLogoutUri?: string | undefined;
};

/** How a client introduces itself: by the document at the URL that is its id, or by dynamic registration (RFC 7591). */
export const introductions = ["document", "registration"] as const;
export type Introduction = (typeof introductions)[number];

/** A client as clients were before they had metadata. */
export const MACHINE_CLIENT = {
  authMethod: "client_secret_basic",
  grants: ["client_credentials", "refresh_token"],
} as const satisfies ClientMetadata;

/** A stored client secret: SHA-256 hash (base64url) and optional expiry. */
export type ClientSecret = { hash: string; createdAt: Seconds; expiresAt?: Seconds };

/** A client and its permissions (RFC 6749 §2). */
export type Client = ClientMetadata & {
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
  /** Several while rotated secrets are still accepted; none for a client that authenticates otherwise. */
  secrets: readonly ClientSecret[];
  /** How it introduced itself. Absent: an administrator added it. */
  introduced?: Introduction | undefined;
  /** Until when its document is fresh. */
  documentFreshUntil?: Seconds | undefined;
};

/** A client that introduced itself. */
export type IntroducedClient = Client & { introduced: Introduction };

/** A client as read. `asOf` is the sequence number of the latest change at that time. */
export type FoundClient = Client & { asOf: number };

/** What a client may do. */
export type ClientRights = Pick<Client, "permissions" | "scopes" | "audiences" | "anySubject" | "maxTtl"> & {
  grants?: Client["grants"] | undefined;
  firstParty?: Client["firstParty"];
};

/** The fields of a client: all but what identifies it, its secrets and its times. */
export type ClientFields = ClientMetadata & ClientRights & Pick<Client, "name">;

/** The rights of a client, without its other members. */
export function rightsOf(client: ClientRights): ClientRights {
  const { permissions, scopes, audiences, anySubject, maxTtl, grants, firstParty } = client;
  return { permissions, scopes, audiences, anySubject, maxTtl, grants, firstParty };
}

/** The metadata of a client, without its other members, always written in the same way. */
export function metadataOf(client: ClientMetadata): ClientMetadata {
  const { authMethod, grants, jwks, jwksUri, redirectUris = [], postLogoutRedirectUris = [] } = client;
  return {
    authMethod,
    grants: grantTypes.filter((grant) => grants.includes(grant)),
    jwks,
    jwksUri,
    redirectUris: redirectUris.length > 0 ? redirectUris : undefined,
    postLogoutRedirectUris: postLogoutRedirectUris.length > 0 ? postLogoutRedirectUris : undefined,
    firstParty: client.firstParty || undefined,
    backchannelLogoutUri: client.backchannelLogoutUri,
  };
}

/** The fields of a client, without its other members. */
export function fieldsOf(client: ClientFields): ClientFields {
  return { name: client.name, ...rightsOf(client), ...metadataOf(client) };
}

/** Whether two clients have the same rights, listed in the same order. */
export function haveSameRights(one: ClientRights, other: ClientRights): boolean {
  return JSON.stringify(rightsOf(one)) === JSON.stringify(rightsOf(other));
}

/** Whether two clients have the same fields. */
export function haveSameFields(one: ClientFields, other: ClientFields): boolean {
  return JSON.stringify(fieldsOf(one)) === JSON.stringify(fieldsOf(other));
}

/** Whether two lists of secrets are the same. */
export function areSameSecrets(one: readonly ClientSecret[], other: readonly ClientSecret[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** When the credential that authenticated a client ends: undefined if it does not, 0 if the client no longer has it. */
export function endOf(client: Client, credential: string): Seconds | undefined {
  const keys = keyCredentialOf(client);
  // Not by a secret: an earlier release may have given it one.
  if (keys !== undefined) return credential === keys ? undefined : 0;
  const secret = client.secrets.find(({ hash }) => hash === credential);
  return secret === undefined ? 0 : secret.expiresAt;
}

/** Whether a client has this credential at `now`: the hash of a secret, or {@link keyCredentialOf}. */
export function hasCredential(client: Client, credential: string, now: Seconds): boolean {
  const end = endOf(client, credential);
  return end === undefined || now < end;
}

/** Stands for the keys of a client that has no secret, and for a public client: another one after a change of the keys. */
export function keyCredentialOf({ authMethod, jwks, jwksUri }: ClientMetadata): string | undefined {
  return hasSecrets(authMethod) ? undefined : JSON.stringify([authMethod, jwks, jwksUri]);
}

/** Whether anyone can present the id of a client, which proves nothing. */
export function isPublic({ authMethod }: { authMethod?: AuthMethod | undefined }): boolean {
  return authMethod === "none";
}

export function hasSecrets(method: AuthMethod): boolean {
  return method === "client_secret_basic" || method === "client_secret_post";
}
