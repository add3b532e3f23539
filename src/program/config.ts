import { isIP } from "node:net";
import { z } from "zod";
import { StartError } from "../errors.ts";
import { isLoopbackOrigin } from "../http/request/cors.ts";
import { isLoopback, isLoopbackUrl } from "../http/request/origin.ts";
import { PUBLISH_AHEAD } from "../keys/lifecycle.ts";
import { isLongSecret, MIN_SECRET_BYTES } from "../keys/shared-secret.ts";
import type { RateLimitOptions } from "../service/throttle/call-limits.ts";
import { type Environment, readValues } from "./environment/read-values.ts";
import { makeSecret, SET_BY_OTHERS, type Variables, variables } from "./environment.ts";

/** What the server runs with: the environment, checked and with its defaults. */
export type Config = Readonly<{
  host: string;
  port: number;
  /** Undefined: the origin that the server listens on. */
  issuer: string | undefined;
  /** Undefined: the issuer. */
  audience: string | undefined;
  /** Folder of the embedded database. */
  data: string;
  /** PostgreSQL in place of it. */
  databaseUrl: string | undefined;
  /** Undefined: that of the data, else ES256. */
  alg: "ES256" | "ES384" | "RS256" | "PS256" | "EdDSA" | undefined;
  secret: string | undefined;
  kek: Buffer | undefined;
  previousKek: Buffer | undefined;
  ttl: number;
  maxTtl: number;
  rotation: number;
  refreshTtl: number;
  refreshIdle: number;
  replayWindow: number;
  auditRetention: number;
  access: "open" | "clients";
  adminSecret: string | undefined;
  rateLimits: RateLimitOptions;
  /** Proxies whose `X-Forwarded-For` is believed. */
  trustProxy: readonly string[];
  /** Web origins whose pages may call. */
  origins: readonly string[];
  /** As whom commands ask a service elsewhere. */
  credentials: { clientId: string; clientSecret: string } | undefined;
  /** How long a connection may wait for its next request, in seconds. */
  keepAlive: number;
  /** How long it serves on once it is told to stop, in seconds. */
  drain: number;
  /** Processes that share the port. */
  workers: number;
  logLevel: "fatal" | "error" | "warn" | "info" | "debug" | "trace" | "silent";
}>;

const KNOWN: ReadonlySet<string> = new Set(Object.keys(variables));

/**
 * Reads the configuration from environment variables, or throws a {@link StartError} that names the
 * variable and says what it must be, never what it was: it may be a secret. A variable that is set to
 * nothing counts as not set, but for secrets; one that begins with `MINTMARK_` and is not known is an error, unless
 * Kubernetes or Docker added it. Reads the files that `_FILE` variables name.
 */
export function readConfig(environment: Environment = process.env): Config {
  const { values, nameOf } = readValues(environment, KNOWN);
  const { data: env, error } = z.strictObject(variables).safeParse(values);
  if (error !== undefined) throw new StartError(firstProblem(error, nameOf));
  const conflict = conflictIn(env);
  if (conflict !== undefined) throw new StartError(conflict);
  const access = accessIn(env);
  return Object.freeze({
    host: env.HOST,
    port: env.PORT,
    issuer: env.MINTMARK_ISSUER,
    audience: env.MINTMARK_AUDIENCE,
    data: env.MINTMARK_DATA,
    databaseUrl: env.DATABASE_URL,
    alg: env.MINTMARK_ALG,
    secret: env.MINTMARK_SECRET,
    kek: env.MINTMARK_KEK === "none" ? undefined : env.MINTMARK_KEK,
    previousKek: env.MINTMARK_KEK_PREVIOUS,
    ttl: env.MINTMARK_TTL,
    maxTtl: env.MINTMARK_MAX_TTL,
    rotation: env.MINTMARK_ROTATION,
    refreshTtl: env.MINTMARK_REFRESH_TTL,
    refreshIdle: env.MINTMARK_REFRESH_IDLE,
    replayWindow: env.MINTMARK_REPLAY_WINDOW,
    auditRetention: env.MINTMARK_AUDIT_RETENTION,
    access,
    rateLimits: {
      issue: { perClient: env.MINTMARK_RATE_ISSUE, perAddress: env.MINTMARK_RATE_ISSUE_ADDRESS },
      verify: { perClient: env.MINTMARK_RATE_VERIFY, perAddress: env.MINTMARK_RATE_VERIFY_ADDRESS },
    },
    trustProxy: env.MINTMARK_TRUST_PROXY,
    origins: env.MINTMARK_ORIGINS,
    adminSecret: env.MINTMARK_ADMIN_SECRET,
    credentials: credentialsIn(env),
    keepAlive: env.MINTMARK_KEEP_ALIVE,
    drain: env.MINTMARK_DRAIN ?? (access === "open" ? 0 : 1),
    workers: env.MINTMARK_WORKERS,
    logLevel: env.MINTMARK_LOG_LEVEL,
  });
}

/** Whether a variable is set to something: the configuration has its default otherwise. */
export function isSet(variable: keyof Variables, environment: Environment = process.env): boolean {
  return Boolean(environment[variable]);
}

/** Says which variables are each right and together wrong, if any are. */
function conflictIn(env: Variables): string | undefined {
  if (env.MINTMARK_TTL > env.MINTMARK_MAX_TTL) return "MINTMARK_TTL must be at most MINTMARK_MAX_TTL";
  if (env.MINTMARK_REPLAY_WINDOW >= env.MINTMARK_REFRESH_IDLE)
    return "MINTMARK_REPLAY_WINDOW must be less than MINTMARK_REFRESH_IDLE";
  if (env.MINTMARK_ROTATION < 2 * PUBLISH_AHEAD)
    return `MINTMARK_ROTATION must be at least ${2 * PUBLISH_AHEAD}: a key is published ${PUBLISH_AHEAD} seconds before it signs`;
  if (env.MINTMARK_SECRET !== undefined && !isLongSecret(env.MINTMARK_SECRET)) {
    return `MINTMARK_SECRET has ${Buffer.byteLength(env.MINTMARK_SECRET)} bytes and needs at least ${MIN_SECRET_BYTES}: ${makeSecret}`;
  }
  if (env.MINTMARK_SECRET !== undefined && env.MINTMARK_ALG !== undefined) {
    return "MINTMARK_ALG and MINTMARK_SECRET exclude each other: the secret means HS256. Unset one of them";
  }
  if (isForeignVariable(env.HOST) && (env.MINTMARK_ISSUER === undefined || env.MINTMARK_ACCESS === "open")) {
    return `HOST must be a loopback address, such as 127.0.0.1 or localhost, where MINTMARK_ISSUER is not set or access is open. ${SET_BY_OTHERS}`;
  }
  if (!isLoopback(env.HOST) && env.MINTMARK_ACCESS === "open") {
    return "MINTMARK_ACCESS can be open only where HOST is a loopback address: whoever reaches it could do everything";
  }
  if (accessIn(env) === "open" && env.MINTMARK_TRUST_PROXY.length > 0) {
    return "MINTMARK_TRUST_PROXY needs MINTMARK_ACCESS=clients: where access is open, whoever reaches the proxy could do everything";
  }
  if (accessIn(env) === "open" && !env.MINTMARK_ORIGINS.every(isLoopbackOrigin)) {
    return "MINTMARK_ORIGINS can name origins of other machines only with MINTMARK_ACCESS=clients: where access is open, their pages could do everything";
  }
  if (!isLoopback(env.HOST) && env.MINTMARK_ISSUER === undefined) {
    return "MINTMARK_ISSUER must be set where HOST is not a loopback address: the URL that verifiers know this service by";
  }
  if ((env.MINTMARK_CLIENT_ID === undefined) !== (env.MINTMARK_CLIENT_SECRET === undefined)) {
    const [set, missing] = env.MINTMARK_CLIENT_ID === undefined ? ["SECRET", "ID"] : ["ID", "SECRET"];
    return `MINTMARK_CLIENT_${missing} must be set where MINTMARK_CLIENT_${set} is: commands with --url authenticate by both`;
  }
  if (env.DATABASE_URL !== undefined && env.MINTMARK_KEK === undefined && env.MINTMARK_SECRET === undefined) {
    return `MINTMARK_KEK must be set with DATABASE_URL, to encrypt private keys at rest (${makeSecret}), or be "none" to keep them in the clear`;
  }
  return undefined;
}

/** A shell or conda gives `HOST` such a name, and whoever starts the server may not know that it is set. */
function isForeignVariable(host: string): boolean {
  return isIP(host) === 0 && !isLoopback(host);
}

/** Open, where nobody else can be meant to come: one that is known by another name is reached through a proxy. */
function accessIn({ MINTMARK_ACCESS, HOST, MINTMARK_ISSUER: issuer }: Variables): Config["access"] {
  const isForThisMachine = isLoopback(HOST) && (issuer === undefined || isLoopbackUrl(issuer));
  return MINTMARK_ACCESS ?? (isForThisMachine ? "open" : "clients");
}

function credentialsIn({ MINTMARK_CLIENT_ID: clientId, MINTMARK_CLIENT_SECRET: clientSecret }: Variables) {
  return clientId !== undefined && clientSecret !== undefined ? { clientId, clientSecret } : undefined;
}

function firstProblem({ issues }: z.ZodError, nameOf: (variable: string) => string): string {
  const [issue] = issues;
  const must =
    issue?.code === "invalid_value" && issue.values.length > 1
      ? `must be one of ${issue.values.join(", ")}`
      : issue?.message;
  return `${nameOf(String(issue?.path[0]))} ${must}`;
}
