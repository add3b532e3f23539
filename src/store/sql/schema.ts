import type { KeyPairAlgorithm } from "../../keys/public-jwk.ts";
import type { RevokedKind } from "../../trust/trust-update.ts";
import type { AuditRecord } from "../audit.ts";

/** The tables, as the queries see them. Lists are JSON text; moments are whole seconds. */
export type Schema = {
  /** One row: the number of the latest change. Taking the next one orders all changes, whoever makes them. */
  state: {
    id: number;
    revision: number;
    /** The number of the latest change of keys. */
    keys_revision: number;
    /** Which history the numbers belong to. */
    epoch: string;
    /** When the latest change was made, by the clock of the server that made it. */
    changed_at: number;
    /** See {@link StoredSettings}. */
    longest_lifetime: number;
    issuer: string | null;
    audience: string | null;
    alg: KeyPairAlgorithm | null;
    secret_kid: string | null;
    secret_kids: string | null;
    /** 0 where none is stored. */
    ttl: number;
    max_ttl: number;
    /** The number of the latest change of what clients there are and which secrets they have. */
    clients_revision: number;
  };
  keys: {
    kid: string;
    /** The number of the change that added it. */
    sequence: number;
    alg: KeyPairAlgorithm;
    public_jwk: string;
    private_jwk: string;
    created_at: number;
    activates_at: number;
    killed_at: number | null;
    /** The key it comes after; a key has one follower at most. Empty for the first. */
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
    created_at: number;
    secrets: string;
  };
  /** A thing is revoked once; if it is again, the row is given the number of the later change. */
  revocations: { kind: RevokedKind; id: string; sequence: number; until: number };
  sessions: {
    sid: string;
    client_id: string;
    subject: string;
    /** The first of several: a server of the release before issues for that one alone. */
    audience: string;
    /** All of them, where they are several. */
    audiences: string | null;
    scope: string | null;
    claims: string;
    ttl: number;
    seed: string;
    created_at: number;
    expires_at: number;
    idle_until: number;
  };
  /** Every refresh token of the sessions there are, used ones too: who presents one of those again is found out. */
  refresh_tokens: { hash: string; sid: string; used_at: number | null; used_by: string | null };
  /** What is counted by all servers together for a while. */
  counts: { id: string; count: number; until: number };
  audit: {
    id: string;
    at: number;
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
  };
};
