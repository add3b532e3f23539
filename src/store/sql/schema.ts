import type { KeyPairAlgorithm } from "../../keys/public-jwk.ts";
import type { Seconds } from "../../time.ts";
import type { RevokedKind } from "../../trust/trust-update.ts";
import type { AuditRecord } from "../audit.ts";
import type { Introduction } from "../client.ts";
import type { PeopleSchema } from "./people-schema.ts";

/** The tables. Lists are JSON text; times are Unix seconds. */
export type Schema = PeopleSchema & {
  /** One row, whose lock orders all changes. `revision` is the sequence number of the latest change. */
  state: {
    id: number;
    revision: number;
    /** Sequence number of the latest change of keys. */
    keys_revision: number;
    /** Identifies the history that the sequence numbers belong to. */
    epoch: string;
    /** Time of the latest change by the clock of the server that made it. */
    changed_at: Seconds;
    /** See {@link StoredSettings}. */
    longest_lifetime: number;
    issuer: string | null;
    audience: string | null;
    alg: KeyPairAlgorithm | null;
    secret_kid: string | null;
    secret_kids: string | null;
    /** 0: not stored. */
    ttl: number;
    max_ttl: number;
    /** Sequence number of the latest removal of a client, change of its secrets or fields, or addition of a public one; not of one that introduced itself. */
    clients_revision: number;
  };
  keys: {
    kid: string;
    /** Sequence number of the change that added it. */
    sequence: number;
    alg: KeyPairAlgorithm;
    public_jwk: string;
    private_jwk: string;
    created_at: Seconds;
    activates_at: Seconds;
    killed_at: Seconds | null;
    /** `kid` of the preceding key; unique, so a key has one successor. Empty for the first. */
    follows: string;
  };
  clients: {
    client_id: string;
    name: string;
    permissions: string;
    scopes: string;
    audiences: string;
    any_subject: number;
    max_ttl: number | null;
    created_at: Seconds;
    secrets: string;
    last_used_at: Seconds | null;
    /** {@link ClientMetadata} as JSON. */
    oauth: string;
    /** Null: an administrator added it. */
    introduced: Introduction | null;
    document_fresh_until: Seconds | null;
  };
  /** The services that accept tokens. `scopes` is a JSON object: scope token to description. `open`: 0 or 1. */
  resources: { audience: string; name: string; scopes: string; open: number; created_at: Seconds };
  /** A repeated revocation updates the sequence number of its row. */
  revocations: { kind: RevokedKind; id: string; sequence: number; until: Seconds };
  /** The grants. */
  sessions: {
    sid: string;
    client_id: string;
    subject: string;
    /** The first of several audiences: a server of the previous release knows only this one. */
    audience: string;
    /** All audiences, as a JSON list. Null for a single one. */
    audiences: string | null;
    scope: string | null;
    claims: string;
    ttl: number;
    seed: string;
    created_at: Seconds;
    expires_at: Seconds;
    idle_until: Seconds;
    /** The sign-in session that the grant came by. */
    sign_in: string | null;
  };
  /** All refresh tokens of active grants. Used ones are retained to detect reuse. */
  refresh_tokens: { hash: string; sid: string; used_at: Seconds | null; used_by: string | null };
  /** Counts that all servers share. */
  counts: { id: string; count: number; until: Seconds };
  audit: {
    id: string;
    at: Seconds;
    client_id: string | null;
    action: string;
    outcome: AuditRecord["outcome"];
    reason: string | null;
    subject: string | null;
    jti: string | null;
    kid: string | null;
    target: string | null;
    address: string | null;
    count: number | null;
    expires_at: Seconds | null;
    /** Separated by commas. */
    fields: string | null;
  };
};
