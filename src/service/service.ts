import type { JwkSet } from "../keys/keyring.ts";
import type { AuditQuery } from "../store/audit.ts";
import { openSqliteStore } from "../store/open.ts";
import type { Seconds } from "../time.ts";
import type { AnyClaims, ClaimsSchema } from "../token/claims.ts";
import { claimedIdentity, identifyToken } from "../token/verify.ts";
import { createTokenVerifier } from "../verifier/token-verifier.ts";
import { type AuditPage, createAuditLog } from "./access/audit-log.ts";
import { createAuthorizer } from "./access/authorize.ts";
import type { Caller } from "./access/caller.ts";
import { type Authenticate, createAuthenticator } from "./clients/authenticate.ts";
import { createEndedSecretCheck } from "./clients/client-secret.ts";
import { type Clients, createClients } from "./clients/clients.ts";
import { createFeed, type Feed } from "./feed/feed.ts";
import { createStoreFollower, type StoreFollowerOptions } from "./feed/store-follower.ts";
import { createKeyManagement, type KeyManagement } from "./keys/key-management.ts";
import { secretKeys, storedKeys } from "./keys/loaded-keys.ts";
import { countVerified, createCounters, type Metrics, measureKeys, measureTrust } from "./operations/counters.ts";
import { instrumentStore } from "./operations/instrument-store.ts";
import { createMaintenance, startMaintenance } from "./operations/maintenance.ts";
import {
  checkReadiness,
  createClockCheck,
  createWriteCheck,
  PROBE_BYTES,
  type Readiness,
} from "./operations/readiness.ts";
import { createTasks } from "./operations/tasks.ts";
import type { Tracer } from "./operations/tracer.ts";
import { resolveOptions, type TokenServiceOptions } from "./options.ts";
import { changesBetween, createSettings, type EffectiveSettings } from "./settings.ts";
import { createCallLimits } from "./throttle/call-limits.ts";
import { createRevocations, type Revocations } from "./tokens/revocations.ts";
import { createTokens, type Tokens } from "./tokens/tokens.ts";

export type TokenService<Schema extends ClaimsSchema = AnyClaims> = Tokens<Schema> &
  Omit<Revocations<Schema>, "revokeReusedGrant"> & {
    readonly issuer: string;
    /** Uses the origin that a server listens on as the issuer, unless the `issuer` option is set. */
    adoptIssuer(origin: string): Promise<void>;
    readonly maxTtl: Seconds;
    /** The effective settings: a guest uses the stored ones, other services their options. */
    settings(): EffectiveSettings;
    readonly claims: Schema;
    /** Whether callers without credentials have every permission. */
    readonly open: boolean;
    readonly authenticate: Authenticate;
    readonly keys: Omit<KeyManagement, "rotateIfDue">;
    readonly clients: Clients;
    readonly audit: { list(caller: Caller, query: AuditQuery): Promise<AuditPage> };
    /** The public verification keys (RFC 7517). Empty with a shared secret. */
    jwks(): JwkSet;
    /** Streams the trust events; see {@link Feed}. */
    readonly follow: Feed["follow"];
    /** Makes {@link readiness} report `draining`. The service still serves requests. */
    drain(): void;
    /** Disconnects all followers and refuses new ones. */
    endFeeds(): void;
    /** Checks whether requests can be served in full. Never rejects. */
    readiness(): Promise<Readiness>;
    readonly metrics: {
      /** Throws `permission_denied` unless the caller may read metrics. */
      authorize(caller: Caller): Promise<void>;
      /** Counters since the start, and gauges. Contains nothing from requests. */
      read(): Metrics;
    };
    /** The `tracer` option. */
    readonly tracer: Tracer | undefined;
    /** Runs now what runs every minute: reloads and rotates keys, writes counted refusals, prunes. */
    maintenance(): Promise<void>;
    /** Stops all work and closes the store. */
    close(): Promise<void>;
  };

/**
 * Opens the token service: loads its keys from the store, or generates the first one. Throws a `StartError`, with the remedy
 * in one line, where it cannot start.
 */
export async function createTokenService<Schema extends ClaimsSchema = AnyClaims>(
  options: TokenServiceOptions<Schema> = {},
): Promise<TokenService<Schema>> {
  const resolved = resolveOptions(options);
  const { claimsSchema, secret, kek, open, guest, clock, onError, onNotice, tracer } = resolved;
  const { store, timings, lastWrite } = instrumentStore(options.store ?? (await openSqliteStore(".mintmark")), tracer);
  const counts = createCounters();
  const policy = () => ({ rotation: resolved.rotation, maxTtl: settings.longestLifetime() });
  const audit = createAuditLog(store, clock);
  const keys = secret === undefined ? storedKeys({ store, clock, policy, kek, onError }) : secretKeys(secret, store);
  // One of several processes logs the change.
  const onSettings: StoreFollowerOptions["onSettings"] = (change) => {
    if (resolved.runsMaintenance) for (const sentence of changesBetween(change)) onNotice(sentence);
  };
  const trust = createStoreFollower({
    store,
    clock,
    maxStaleness: resolved.maxStaleness,
    reloadKeys: keys.reload,
    onSettings,
  });
  const given = { ...resolved.given, ...(secret !== undefined && { secretKid: keys.current().signing?.kid }) };
  const settings = createSettings({ given, guest, store, trust, audit });
  const hasSecretEnded = createEndedSecretCheck({ store, clock });
  const hasEnded = async (caller: Caller) =>
    caller.asOf !== undefined && (await hasSecretEnded(caller, await trust.latest()));
  const authorize = createAuthorizer({ audit, hasEnded });
  const keyManagement = createKeyManagement({
    store,
    keys,
    trust,
    authorize,
    audit,
    clock,
    policy,
    settings,
    kek,
    counts,
  });
  const rotateIfDue = secret === undefined && resolved.runsMaintenance ? keyManagement.rotateIfDue : async () => {};
  await trust.catchUp();
  if (resolved.runsMaintenance) await store.checkWritable(PROBE_BYTES);
  await settings.store();
  await rotateIfDue();

  const verify = createTokenVerifier({
    source: {
      lookup: (kid) => keys.current().lookup(kid),
      fetchKey: async (kid) => keys.find(kid),
      trust: trust.state,
      isStale: trust.isStale,
    },
    policy: () => ({ issuer: settings.issuer(), maxLifetime: settings.longestLifetime() }),
    claimsSchema,
    clock,
    onVerified: (error) => countVerified(counts, error),
  });
  const identify = async (token: string) => {
    // A token under the current secret's kid that it did not sign is forged.
    const kids = trust.position().settings.secretKids?.filter((kid) => kid !== given.secretKid) ?? [];
    const latest = clock() + settings.longestLifetime();
    return (await identifyToken(token, keys.findUnexpired)) ?? claimedIdentity(token, { kids, latest });
  };
  const rates = createCallLimits({ store, clock, audit, rateLimits: resolved.rateLimits });
  const deps = { store, keys, trust, authorize, audit, clock, counts, rates };
  const revocations = createRevocations({ ...deps, verify, identify });
  const { revokeReusedGrant, ...revoking } = revocations;
  const feed = createFeed({
    store,
    clock,
    trust,
    keyring: keys.current,
    authorize,
    maxFollowers: resolved.maxFollowers,
  });

  const checkClock = createClockCheck({ trust, clock });
  let isDraining = false;
  const tasks = createTasks(onError);
  const checkWrites = createWriteCheck({ store, lastWrite });
  const maintenance = createMaintenance({
    ...deps,
    tasks,
    rotateIfDue,
    longestLifetime: settings.longestLifetime,
    ...resolved,
  });
  const end = startMaintenance({
    maintenance,
    shareRates: rates.share,
    catchUp: trust.catchUp,
    watch: store.watch,
    onError,
  });

  return {
    ...createTokens({
      ...deps,
      ...resolved,
      ...settings.limits(),
      settings,
      hasSecretEnded,
      verify,
      revokeReusedGrant,
    }),
    ...revoking,
    get issuer() {
      return settings.issuer();
    },
    adoptIssuer: settings.adoptIssuer,
    settings: () => ({
      issuer: settings.issuer(),
      audience: settings.audience(),
      alg: settings.alg(),
      ...settings.limits(),
    }),
    maxTtl: settings.limits().maxTtl,
    claims: claimsSchema,
    open,
    authenticate: createAuthenticator({ ...deps, open }),
    keys: keyManagement,
    clients: createClients(deps),
    audit: {
      list: (caller, query) =>
        authorize(caller, { action: "audit.list", permission: "read_audit" }, () => audit.list(query)),
    },
    jwks: () => keys.current().jwks,
    follow: feed.follow,
    drain() {
      isDraining = true;
    },
    endFeeds: feed.end,
    readiness: () => checkReadiness({ trust, keys, checkWrites, checkClock, tasks, isDraining }),
    metrics: {
      authorize: (caller) => authorize(caller, { action: "metrics", permission: "read_metrics" }, async () => {}),
      read: () => ({
        ...counts,
        ...feed.measure(),
        ...measureTrust(trust),
        ...measureKeys(keys, { now: clock(), rotation: resolved.rotation }),
        tasks: tasks.states,
        store: timings,
      }),
    },
    tracer,
    maintenance: maintenance.run,
    async close() {
      end();
      feed.end();
      await audit.flush().catch((error: unknown) => onError("writing the audit log", error));
      await store.close();
    },
  };
}
