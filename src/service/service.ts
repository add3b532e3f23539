import { StartError } from "../errors.ts";
import type { JwkSet } from "../keys/keyring.ts";
import { PUBLISH_AHEAD } from "../keys/lifecycle.ts";
import type { KeyPairAlgorithm } from "../keys/public-jwk.ts";
import type { KeyEncryptionKey } from "../keys/seal.ts";
import type { AuditQuery } from "../store/audit.ts";
import { openSqliteStore } from "../store/sqlite.ts";
import type { Store } from "../store/store.ts";
import { type Clock, type Seconds, systemClock } from "../time.ts";
import { type AnyClaims, anyClaims, type ClaimsSchema, checkClaimsSchema } from "../token/claims.ts";
import { type AuditPage, createAuditLog } from "./audit-log.ts";
import { type Authenticate, createAuthenticator } from "./authenticate.ts";
import type { Caller } from "./caller.ts";
import { type Clients, createClients } from "./clients.ts";
import { createGate } from "./gate.ts";
import { createKeyManagement, type KeyManagement } from "./key-management.ts";
import { secretKeys, storedKeys } from "./keys.ts";
import { createTokens, type Tokens } from "./tokens.ts";
import { startUpkeep } from "./upkeep.ts";

export type TokenServiceOptions<Schema extends ClaimsSchema = AnyClaims> = {
  /** The `iss` of every token. Default `http://127.0.0.1:3000`. Never taken from a request. */
  issuer?: string;
  /** The `aud` of a token that asks for none, and the one expected where none is named. Default: the issuer. */
  audience?: string;
  /** Schema of the custom claims. Default: any JSON object. */
  claims?: Schema;
  /** Where state lives. Default: the embedded database in `.mintmark`. */
  store?: Store;
  /** Signing algorithm. Default `ES256`. */
  alg?: KeyPairAlgorithm;
  /** Signs by HS256 with this secret of at least 32 bytes, and `alg` and the stored keys are left aside. */
  secret?: string;
  /** Encrypts private keys at rest: 32 bytes. Default: they are not encrypted. */
  kek?: KeyEncryptionKey;
  /** Lifetime of a token that asks for none. Default 900. */
  ttl?: Seconds;
  /** Longest lifetime that may be asked for. Default 86,400. */
  maxTtl?: Seconds;
  /** How long a key signs. Default 30 days; at least twice as long as a key is published ahead. */
  rotation?: Seconds;
  /** How long audit records are kept. Default 90 days. */
  auditRetention?: Seconds;
  /** Whether callers without credentials may do everything. Default true: the server then listens on loopback only. */
  open?: boolean;
  /** Default: the system's clock. */
  clock?: Clock;
  /** Hears of work in the background that failed and will be tried again. Default: nobody does. */
  onError?: (work: string, error: unknown) => void;
};

export type TokenService<Schema extends ClaimsSchema = AnyClaims> = Tokens<Schema> & {
  readonly issuer: string;
  readonly maxTtl: Seconds;
  readonly claims: Schema;
  /** Whether callers without credentials may do everything. */
  readonly open: boolean;
  readonly authenticate: Authenticate;
  readonly keys: Omit<KeyManagement, "rotateIfDue">;
  readonly clients: Clients;
  readonly audit: { list(caller: Caller, query: AuditQuery): Promise<AuditPage> };
  /** The public keys that tokens of this issuer are verified with. Empty with a shared secret. */
  jwks(): JwkSet;
  /** Resolves if requests can be served in full, and rejects with `unavailable` if the database is away. */
  ready(): Promise<void>;
  /** Does now what is done every minute: reads the keys, rotates them in time, writes what was counted, forgets old records. */
  upkeep(): Promise<void>;
  /** Ends all work and closes the store. */
  close(): Promise<void>;
};

const DAY: Seconds = 86400;

/**
 * Opens the token service: loads its keys from the store, or makes the first one there.
 * Throws a `StartError`, with one line that says what to do, where it cannot start.
 */
export async function createTokenService<Schema extends ClaimsSchema = AnyClaims>(
  options: TokenServiceOptions<Schema> = {},
): Promise<TokenService<Schema>> {
  const { issuer = "http://127.0.0.1:3000", alg = "ES256", secret, kek, open = true, clock = systemClock } = options;
  const { audience = issuer, ttl = 900, maxTtl = DAY, rotation = 30 * DAY, auditRetention = 90 * DAY } = options;
  const custom = (options.claims ?? anyClaims) as Schema;
  checkClaimsSchema(custom);
  if (rotation < 2 * PUBLISH_AHEAD) {
    throw new StartError(
      `MINTMARK_ROTATION must be at least ${2 * PUBLISH_AHEAD}: a key is published ${PUBLISH_AHEAD} seconds before it signs`,
    );
  }

  const store = options.store ?? (await openSqliteStore(".mintmark"));
  const policy = { rotation, maxTtl, alg };
  const audit = createAuditLog(store, clock);
  const gate = createGate(audit);
  const keys = secret === undefined ? storedKeys({ store, clock, policy, kek }) : secretKeys(secret);
  const management = createKeyManagement({ store, keys, gate, audit, clock, policy, kek });
  const rotateIfDue = secret === undefined ? management.rotateIfDue : async () => {};
  await keys.reload();
  await rotateIfDue();

  const upkeep = async () => {
    await keys.reload();
    await audit.flush();
    await store.pruneAudit(clock() - auditRetention);
    await rotateIfDue();
  };
  const { onError = () => {} } = options;
  const end = startUpkeep({ upkeep, reload: keys.reload, watch: store.watch, onError });

  return {
    ...createTokens({ issuer, audience, custom, ttl, maxTtl, keys, gate, audit, clock }),
    issuer,
    maxTtl,
    claims: custom,
    open,
    authenticate: createAuthenticator({ store, clock, audit, open }),
    keys: management,
    clients: createClients({ store, gate, audit, clock }),
    audit: {
      list: (caller, query) =>
        gate(caller, { action: "audit.list", permission: "read_audit" }, () => audit.list(query)),
    },
    jwks: () => keys.current().jwks,
    ready: async () => void (await store.revision()),
    upkeep,
    async close() {
      end();
      await audit.flush().catch((error: unknown) => onError("writing the audit log", error));
      await store.close();
    },
  };
}
