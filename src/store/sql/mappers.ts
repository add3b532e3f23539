import type { Insertable, Selectable } from "kysely";
import type { StoredKey } from "../../keys/key-pair.ts";
import type { Audience } from "../../token/claims.ts";
import { type Client, type ClientFields, type ClientMetadata, metadataOf } from "../client.ts";
import type { Grant, ListedGrant } from "../grant.ts";
import type { Resource } from "../resource.ts";
import type { Position } from "../store.ts";
import type { Schema } from "./schema.ts";

/** Rows in one INSERT: SQLite allows 32,766 parameters. */
export const MAX_ROWS = 1000;

export function toKeyRow(key: StoredKey): Omit<Insertable<Schema["keys"]>, "sequence"> {
  return {
    kid: key.kid,
    alg: key.alg,
    public_jwk: key.publicJwk,
    private_jwk: key.privateJwk,
    created_at: key.createdAt,
    activates_at: key.activatesAt,
    killed_at: key.killedAt ?? null,
    follows: key.follows,
  };
}

export function fromKeyRow(row: Selectable<Schema["keys"]>): StoredKey {
  return {
    kid: row.kid,
    alg: row.alg,
    publicJwk: row.public_jwk,
    privateJwk: row.private_jwk,
    createdAt: row.created_at,
    activatesAt: row.activates_at,
    follows: row.follows,
    ...(row.killed_at !== null && { killedAt: row.killed_at }),
  };
}

export function fromStateRow(row: Selectable<Schema["state"]>): Position {
  return {
    epoch: row.epoch,
    sequence: row.revision,
    keysSequence: row.keys_revision,
    clientsSequence: row.clients_revision,
    time: row.changed_at,
    settings: {
      longestLifetime: row.longest_lifetime,
      issuer: row.issuer ?? undefined,
      audience: row.audience ?? undefined,
      alg: row.alg ?? undefined,
      secretKid: row.secret_kid ?? undefined,
      secretKids: row.secret_kids === null ? undefined : JSON.parse(row.secret_kids),
      ttl: row.ttl || undefined,
      maxTtl: row.max_ttl || undefined,
    },
  };
}

export function toClientRow(client: Client): Insertable<Schema["clients"]> {
  return {
    ...toClientFieldsRow(client),
    client_id: client.clientId,
    created_at: client.createdAt,
    secrets: JSON.stringify(client.secrets),
    introduced: client.introduced ?? null,
    document_fresh_until: client.documentFreshUntil ?? null,
  };
}

/** The columns of the fields that can be changed. */
export function toClientFieldsRow(client: ClientFields) {
  return {
    name: client.name,
    permissions: JSON.stringify(client.permissions),
    scopes: JSON.stringify(client.scopes),
    audiences: JSON.stringify(client.audiences),
    any_subject: client.anySubject ? 1 : 0,
    max_ttl: client.maxTtl ?? null,
    oauth: JSON.stringify(metadataOf(client)),
  };
}

export function fromClientRow(row: Selectable<Schema["clients"]>): Client {
  return {
    clientId: row.client_id,
    name: row.name,
    permissions: JSON.parse(row.permissions),
    scopes: JSON.parse(row.scopes),
    audiences: JSON.parse(row.audiences),
    anySubject: row.any_subject === 1,
    createdAt: row.created_at,
    secrets: JSON.parse(row.secrets),
    ...(JSON.parse(row.oauth) as ClientMetadata),
    ...(row.max_ttl !== null && { maxTtl: row.max_ttl }),
    ...(row.last_used_at !== null && { lastUsedAt: row.last_used_at }),
    ...(row.introduced !== null && { introduced: row.introduced }),
    ...(row.document_fresh_until !== null && { documentFreshUntil: row.document_fresh_until }),
  };
}

export function toResourceRow(resource: Resource): Insertable<Schema["resources"]> {
  return {
    audience: resource.audience,
    name: resource.name,
    scopes: JSON.stringify(resource.scopes),
    open: resource.open ? 1 : 0,
    created_at: resource.createdAt,
  };
}

export function fromResourceRow({ scopes, open, created_at, ...row }: Selectable<Schema["resources"]>): Resource {
  return { ...row, scopes: JSON.parse(scopes), open: open === 1, createdAt: created_at };
}

export function toGrantRow(grant: Grant): Insertable<Schema["sessions"]> {
  return {
    sid: grant.sid,
    client_id: grant.clientId,
    subject: grant.subject,
    audience: [grant.audience].flat()[0] ?? "",
    audiences: typeof grant.audience === "string" ? null : JSON.stringify(grant.audience),
    scope: grant.scope ?? null,
    claims: JSON.stringify(grant.claims),
    ttl: grant.ttl,
    seed: grant.seed,
    created_at: grant.createdAt,
    expires_at: grant.expiresAt,
    idle_until: grant.idleUntil,
    sign_in: grant.signIn ?? null,
  };
}

export function fromGrantRow(row: Selectable<Schema["sessions"]>): Grant {
  return {
    sid: row.sid,
    clientId: row.client_id,
    subject: row.subject,
    audience: audienceOf(row),
    claims: JSON.parse(row.claims),
    ttl: row.ttl,
    seed: row.seed,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    idleUntil: row.idle_until,
    ...(row.scope !== null && { scope: row.scope }),
    ...(row.sign_in !== null && { signIn: row.sign_in }),
  };
}

/** A row of a grant as listed. */
type ListedRow = Omit<Selectable<Schema["sessions"]>, "claims" | "ttl" | "seed"> & { client_name: string | null };

export function fromListedRow(row: ListedRow): ListedGrant {
  return {
    sid: row.sid,
    clientId: row.client_id,
    subject: row.subject,
    audience: audienceOf(row),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    idleUntil: row.idle_until,
    ...(row.scope !== null && { scope: row.scope }),
    ...(row.sign_in !== null && { signIn: row.sign_in }),
    ...(row.client_name !== null && { clientName: row.client_name }),
  };
}

function audienceOf({ audience, audiences }: Pick<ListedRow, "audience" | "audiences">): Audience {
  return audiences === null ? audience : JSON.parse(audiences);
}
