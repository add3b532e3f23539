import { addressesOfClients } from "../remote/addresses.ts";
import { createDocumentFetcher } from "../remote/document-fetcher.ts";
import { openSqliteStore } from "../store/open.ts";
import type { AnyClaims, ClaimsSchema } from "../token/claims.ts";
import { claimedIdentity, identifyToken } from "../token/verify.ts";
import { createTokenVerifier } from "../verifier/token-verifier.ts";
import { createPeople } from "./authorization/create.ts";
import { startLogoutNotices } from "./authorization/logout-notices.ts";
import { createAdministrator } from "./clients/administrator.ts";
import { createAuthenticator } from "./clients/authenticate.ts";
import { createClientDocuments, MAX_DOCUMENT_BYTES } from "./clients/client-documents.ts";
import { createClientKeys } from "./clients/client-keys.ts";
import { createClientRegistration } from "./clients/client-registration.ts";
import { createClientUses } from "./clients/client-uses.ts";
import { createClients } from "./clients/clients.ts";
import { createIntroducedOriginCheck, createPublicOrigins } from "./clients/public-origins.ts";
import { createFeed } from "./feed/feed.ts";
import { openState } from "./open-state.ts";
import { countVerified, measureKeys, measureTrust } from "./operations/counters.ts";
import { instrumentStore } from "./operations/instrument-store.ts";
import { createMaintenance, startMaintenance } from "./operations/maintenance.ts";
import { checkReadiness, createClockCheck, createWriteCheck } from "./operations/readiness.ts";
import { createTasks } from "./operations/tasks.ts";
import { resolveOptions, type TokenServiceOptions } from "./options.ts";
import { createResources } from "./resources/resources.ts";
import { createCallLimits } from "./throttle/call-limits.ts";
import type { TokenService } from "./token-service.ts";
import { createLookups } from "./tokens/lookups.ts";
import { createRevocations } from "./tokens/revocations.ts";
import { createIntrospectionSigner } from "./tokens/sign-introspection.ts";
import { createTokens } from "./tokens/tokens.ts";

export type { TokenService };

/** Documents of clients that one address can have fetched within a minute, and its registrations. */
const DOCUMENTS_PER_ADDRESS = 60;
const REGISTRATIONS_PER_ADDRESS = 20;

/**
 * Opens the token service: loads its keys from the store, or generates the first one. Throws a `StartError`, with the remedy
 * in one line, where it cannot start.
 */
export async function createTokenService<Schema extends ClaimsSchema = AnyClaims>(
  options: TokenServiceOptions<Schema> = {},
): Promise<TokenService<Schema>> {
  const resolved = resolveOptions(options);
  const { claimsSchema, open, clock, onError, tracer } = resolved;
  const { store, timings, lastWrite } = instrumentStore(options.store ?? (await openSqliteStore(".mintmark")), tracer);
  const state = await openState(store, resolved);
  const { keys, trust, authorize, audit, counts, settings, secretKid } = state;

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
    const kids = trust.position().settings.secretKids?.filter((kid) => kid !== secretKid) ?? [];
    const latest = clock() + settings.longestLifetime();
    return (await identifyToken(token, keys.findUnexpired)) ?? claimedIdentity(token, { kids, latest });
  };
  const rates = createCallLimits({ store, clock, audit, rateLimits: resolved.rateLimits });
  const uses = createClientUses({ store, clock });
  const documents = createClientDocuments({
    ...state,
    fetchDocument: createDocumentFetcher({ maxBytes: MAX_DOCUMENT_BYTES, isAllowed: addressesOfClients({ open }) }),
    perAddress: open ? 0 : DOCUMENTS_PER_ADDRESS,
  });
  const deps = { ...state, rates, uses, documents };
  const { revokeReusedGrant, ...revocations } = createRevocations({ ...deps, verify, identify });
  const feed = createFeed({ ...deps, keyring: keys.current, maxFollowers: resolved.maxFollowers });

  let isDraining = false;
  const tasks = createTasks(onError);
  const checkWrites = createWriteCheck({ store, lastWrite });
  const checkClock = createClockCheck({ trust, clock });
  const { longestLifetime } = settings;
  const people = createPeople({ ...deps, ...resolved, ...settings.limits(), verify, revokeReusedGrant });
  const isRegistrationOpen = resolved.registration === "open" && resolved.secret === undefined;
  const maintenance = createMaintenance({ ...deps, ...resolved, tasks, longestLifetime });
  const { watch } = store;
  const end = startMaintenance({ maintenance, shareRates: rates.share, catchUp: trust.catchUp, watch, onError });
  const sendsNotices = resolved.runsMaintenance && keys.arePairs;
  const endNotices = sendsNotices ? startLogoutNotices({ ...deps, open, onError }) : () => {};

  return {
    ...createTokens({ ...deps, ...resolved, ...settings.limits(), verify, revokeReusedGrant }),
    ...revocations,
    exchangeCode: people.exchangeCode,
    userInfo: people.userInfo,
    // Without key pairs, a client cannot verify who has signed in (OIDC Core §2): programs alone are served.
    signIns: resolved.secret === undefined ? people.signIns : undefined,
    logout: resolved.secret === undefined ? people.logout : undefined,
    devices: resolved.secret === undefined ? people.devices : undefined,
    exchangeDeviceCode: people.exchangeDeviceCode,
    sessions: people.sessions,
    consents: people.consents,
    signIn: people.signIn,
    ...createLookups({ ...deps, longestLifetime }),
    signIntrospection: createIntrospectionSigner(deps),
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
    rateLimits: resolved.rateLimits,
    authenticate: createAuthenticator({
      ...deps,
      open,
      issuer: settings.issuer,
      findKey: createClientKeys({ open, onError }),
    }),
    keys: state.keyManagement,
    clients: { ...createClients({ ...deps, open }), ...createAdministrator(deps) },
    publicOrigins: createPublicOrigins(deps),
    isIntroducedOrigin: createIntroducedOriginCheck(deps),
    registration: isRegistrationOpen
      ? createClientRegistration({ ...state, perAddress: open ? 0 : REGISTRATIONS_PER_ADDRESS })
      : undefined,
    resources: createResources(deps),
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
      endNotices();
      feed.end();
      await audit.flush().catch((error: unknown) => onError("writing the audit log", error));
      await uses.flush().catch((error: unknown) => onError("writing when clients were last used", error));
      await store.close();
    },
  };
}
