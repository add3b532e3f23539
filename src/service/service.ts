import { MintmarkError, StartError } from "../errors.ts";
import { type JwkSet, trustedKeys } from "../keys/keyring.ts";
import { MAX_CLOCK_SKEW, PUBLISH_AHEAD } from "../keys/lifecycle.ts";
import type { KeyPairAlgorithm } from "../keys/public-jwk.ts";
import type { KeyEncryptionKey } from "../keys/seal.ts";
import type { AuditQuery } from "../store/audit.ts";
import { openSqliteStore } from "../store/sqlite.ts";
import type { Store } from "../store/store.ts";
import { type Clock, type Seconds, systemClock } from "../time.ts";
import { type AnyClaims, anyClaims, type ClaimsSchema, checkClaimsSchema } from "../token/claims.ts";
import { verifyAccessToken } from "../token/verify.ts";
import { createTokenVerifier } from "../verifier/token-verifier.ts";
import { type AuditPage, createAuditLog } from "./audit-log.ts";
import { type Authenticate, createAuthenticator } from "./authenticate.ts";
import type { Caller } from "./caller.ts";
import { type Clients, createClients } from "./clients.ts";
import { createFeed, type Feed } from "./feed.ts";
import { createGate } from "./gate.ts";
import { createKeyManagement, type KeyManagement } from "./key-management.ts";
import { secretKeys, storedKeys } from "./keys.ts";
import { createRevocations, type Revocations } from "./revocations.ts";
import { createTokens, type Tokens } from "./tokens.ts";
import { createTrust } from "./trust.ts";
import { createUpkeep, startUpkeep } from "./upkeep.ts";

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
  /** How long a refresh token may go on being exchanged for the next: in all, and between two times. Default 30 and 7 days. */
  refreshTtl?: Seconds;
  refreshIdle?: Seconds;
  /** How long a used refresh token is answered as before, for whoever never got the answer. Default 10. */
  replayWindow?: Seconds;
  /** How long tokens are verified without the database, before that is refused with `verifier_stale`. Default 30. */
  maxStaleness?: Seconds;
  /** Most followers of the events at a time, of all clients and of one. Default 10,000 and 2,500. */
  maxFollowers?: { total: number; perClient: number };
  /** How long audit records are kept. Default 90 days. */
  auditRetention?: Seconds;
  /** Whether callers without credentials may do everything. Default true: the server then listens on loopback only. */
  open?: boolean;
  /** Default: the system's clock. */
  clock?: Clock;
  /** Hears of work in the background that failed and will be tried again. Default: nobody does. */
  onError?: (work: string, error: unknown) => void;
};

export type TokenService<Schema extends ClaimsSchema = AnyClaims> = Tokens<Schema> &
  Revocations<Schema> & {
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
    /** Follows the trust events; see {@link Feed}. */
    readonly follow: Feed["follow"];
    /** Sends followers away, to another server or to come again: the server is about to stop. */
    endFeeds(): void;
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
  const { onError = () => {} } = options;
  const policy = { rotation, maxTtl, alg };
  const audit = createAuditLog(store, clock);
  const gate = createGate(audit);
  const keys = secret === undefined ? storedKeys({ store, clock, policy, kek }) : secretKeys(secret);
  const trust = createTrust({ store, clock, maxStaleness: options.maxStaleness ?? 30, reloadKeys: keys.reload });
  const management = createKeyManagement({ store, keys, trust, gate, audit, clock, policy, kek });
  const rotateIfDue = secret === undefined ? management.rotateIfDue : async () => {};
  await trust.catchUp();
  await rotateIfDue();

  const verify = createTokenVerifier({
    source: {
      lookup: (kid) => keys.current().lookup(kid),
      ask: async (kid) => keys.find(kid),
      trust: trust.state,
      isStale: trust.isStale,
    },
    issuer,
    custom,
    clock,
    maxLifetime: maxTtl,
  });
  const verifyRevokedToo = async (token: string) => {
    if (trust.isStale()) throw new MintmarkError("verifier_stale");
    return verifyAccessToken(token, keys.find, { issuer, custom, now: clock(), maxLifetime: maxTtl });
  };
  const lastExpiry = () => clock() + maxTtl + MAX_CLOCK_SKEW;
  const revocations = createRevocations({ store, trust, gate, audit, verify, verifyRevokedToo, lastExpiry });
  const { refreshTtl = 30 * DAY, refreshIdle = 7 * DAY, replayWindow = 10 } = options;
  const sessions = { ttl: refreshTtl, idle: refreshIdle, replayWindow };
  const { revokeCopied } = revocations;
  const means = { store, keys, trust, gate, audit, clock };
  const feed = createFeed({
    store,
    trust,
    keys: () => trustedKeys(keys.current()),
    gate,
    maxFollowers: options.maxFollowers ?? { total: 10_000, perClient: 2_500 },
  });

  const upkeep = createUpkeep({ ...means, rotateIfDue, auditRetention });
  const end = startUpkeep({ upkeep, catchUp: trust.catchUp, watch: store.watch, onError });

  return {
    ...createTokens({ ...means, issuer, audience, custom, ttl, maxTtl, sessions, verify, revokeCopied }),
    ...revocations,
    issuer,
    maxTtl,
    claims: custom,
    open,
    authenticate: createAuthenticator({ store, clock, audit, open }),
    keys: management,
    clients: createClients({ ...means, lastExpiry }),
    audit: {
      list: (caller, query) =>
        gate(caller, { action: "audit.list", permission: "read_audit" }, () => audit.list(query)),
    },
    jwks: () => keys.current().jwks,
    follow: feed.follow,
    endFeeds: feed.end,
    ready: async () => void (await trust.latest()),
    upkeep,
    async close() {
      end();
      feed.end();
      await audit.flush().catch((error: unknown) => onError("writing the audit log", error));
      await store.close();
    },
  };
}
