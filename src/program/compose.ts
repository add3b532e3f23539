import { createTokenService, type TokenService } from "../service/service.ts";
import { openPostgresStore, openSqliteStore } from "../store/open.ts";
import type { PostgresOptions } from "../store/postgres/postgres.ts";
import type { SqliteOptions } from "../store/sqlite/sqlite.ts";
import type { Store } from "../store/store.ts";
import type { Config } from "./config.ts";
import { requireSqliteDriver } from "./native.ts";
import { registeredTracer } from "./telemetry.ts";

type StoreOptions = SqliteOptions & Pick<PostgresOptions, "onNotice">;

export type OpenOptions = StoreOptions & {
  /** The origin of the server: its issuer unless one is configured. */
  origin: string;
  /** See `TokenServiceOptions`. */
  runsMaintenance?: boolean;
  onError?: (work: string, error: unknown) => void;
  /** Receives one sentence for the operator when a stored setting changes or differs. */
  onNotice?: ((sentence: string) => void) | undefined;
};

/** Opens the store that the configuration names. Loads the driver of that store alone. */
export async function openStore({ data, databaseUrl }: Config, options: StoreOptions = {}): Promise<Store> {
  if (databaseUrl !== undefined)
    return openPostgresStore(databaseUrl, { guest: options.guest, onNotice: options.onNotice });
  requireSqliteDriver();
  return openSqliteStore(data, options);
}

/** Opens the configured token service on its store. */
export async function openService(config: Config, options: OpenOptions): Promise<TokenService> {
  const store = await openStore(config, options);
  try {
    return await openServiceOn(store, config, options);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openServiceOn(
  store: Store,
  config: Config,
  { origin, onError, onNotice, guest = false, runsMaintenance = !guest }: OpenOptions,
): Promise<TokenService> {
  const tracer = await registeredTracer();
  const service = await createTokenService({
    store,
    issuer: config.issuer ?? origin,
    ...(config.audience !== undefined && { audience: config.audience }),
    ...(config.secret !== undefined && { secret: config.secret }),
    ...(config.kek !== undefined && { kek: config.kek }),
    ...(onError !== undefined && { onError }),
    ...(onNotice !== undefined && { onNotice }),
    ...(tracer !== undefined && { tracer }),
    ...(config.alg !== undefined && { alg: config.alg }),
    ...(config.registration !== undefined && { registration: config.registration }),
    guest,
    runsMaintenance,
    ttl: config.ttl,
    maxTtl: config.maxTtl,
    rotation: config.rotation,
    refreshTtl: config.refreshTtl,
    refreshIdle: config.refreshIdle,
    replayWindow: config.replayWindow,
    auditRetention: config.auditRetention,
    sessionTtl: config.sessionTtl,
    rateLimits: config.rateLimits,
    open: config.access === "open",
  });
  if (runsMaintenance) await ensureAdmin(service, config, onNotice);
  return service;
}

/** Unsetting the variable removes no administrator: another server may still have it set. */
async function ensureAdmin(
  { clients }: TokenService,
  { adminSecret }: Config,
  onNotice: OpenOptions["onNotice"],
): Promise<void> {
  if (adminSecret !== undefined) await clients.ensureAdmin(adminSecret);
  else if (await clients.hasAdmin())
    onNotice?.(
      'MINTMARK_ADMIN_SECRET is not set, and the client "admin" that it made is still an administrator: remove it by  mintmark clients remove admin',
    );
}
