import { isIP } from "node:net";
import { isLoopback, isLoopbackOrigin, isLoopbackUrl } from "../../http/request/origin.ts";
import { PUBLISH_AHEAD } from "../../keys/lifecycle.ts";
import { isLongSecret, MIN_SECRET_BYTES } from "../../keys/shared-secret.ts";
import type { Variables } from "../settings.ts";
import { makeSecret, SET_BY_OTHERS } from "./schemas.ts";

/** Returns one sentence where valid variables contradict each other. */
export function conflictIn(env: Variables): string | undefined {
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
    return "MINTMARK_ACCESS can be open only where HOST is a loopback address: anyone who reaches it may do everything";
  }
  if (accessIn(env) === "open" && env.MINTMARK_TRUST_PROXY.length > 0) {
    return "MINTMARK_TRUST_PROXY needs MINTMARK_ACCESS=clients: where access is open, anyone who reaches the proxy may do everything";
  }
  if (accessIn(env) === "open" && !env.MINTMARK_ORIGINS.every(isLoopbackOrigin)) {
    return "MINTMARK_ORIGINS can name origins of other machines only with MINTMARK_ACCESS=clients: where access is open, their pages may do everything";
  }
  if (!isLoopback(env.HOST) && env.MINTMARK_ISSUER === undefined) {
    return "MINTMARK_ISSUER must be set where HOST is not a loopback address: the URL of this service for its verifiers";
  }
  if ((env.MINTMARK_CLIENT_ID === undefined) !== (env.MINTMARK_CLIENT_SECRET === undefined)) {
    const [set, missing] = env.MINTMARK_CLIENT_ID === undefined ? ["SECRET", "ID"] : ["ID", "SECRET"];
    return `MINTMARK_CLIENT_${missing} must be set where MINTMARK_CLIENT_${set} is: commands with --url authenticate by both`;
  }
  if (env.DATABASE_URL !== undefined && env.MINTMARK_KEK === undefined && env.MINTMARK_SECRET === undefined) {
    return `MINTMARK_KEK must be set with DATABASE_URL, to encrypt private keys at rest (${makeSecret}), or be "none" to keep them in the clear`;
  }
  return signInConflictIn(env);
}

const PROVIDER = ["MINTMARK_SIGN_IN_ISSUER", "MINTMARK_SIGN_IN_CLIENT_ID", "MINTMARK_SIGN_IN_CLIENT_SECRET"] as const;

function signInConflictIn(env: Variables): string | undefined {
  const ofProvider = PROVIDER.filter((variable) => env[variable] !== undefined);
  const set = ofProvider[0] ?? (env.MINTMARK_SIGN_IN_URL === undefined ? undefined : "MINTMARK_SIGN_IN_URL");
  if (set === undefined) return undefined;
  if (env.MINTMARK_SECRET !== undefined)
    return `${set} and MINTMARK_SECRET exclude each other: people sign in only where key pairs sign. Unset one of them`;
  if (ofProvider.length > 0 && env.MINTMARK_SIGN_IN_URL !== undefined)
    return `${set} and MINTMARK_SIGN_IN_URL exclude each other: people sign in at a provider or in your application. Unset one of them`;
  const missing = PROVIDER.filter((variable) => env[variable] === undefined);
  if (ofProvider.length > 0 && missing.length > 0)
    return `${missing.join(" and ")} must be set where ${set} is: Mintmark is a client of the provider`;
  const { MINTMARK_ISSUER: issuer } = env;
  if (issuer !== undefined && !/^https:/i.test(issuer) && !isLoopbackUrl(issuer))
    return `MINTMARK_ISSUER must be an https URL where ${set} is set: the cookie of a sign-in session is sent by https alone, but for loopback`;
  return undefined;
}

/** Whether `HOST` may come from a shell or conda, which set it to a host name, rather than from the operator. */
function isForeignVariable(host: string): boolean {
  return isIP(host) === 0 && !isLoopback(host);
}

/** Open on loopback alone. An issuer with another host name means that a proxy forwards requests from other machines. */
export function accessIn({ MINTMARK_ACCESS, HOST, MINTMARK_ISSUER: issuer }: Variables): "open" | "clients" {
  const isForThisMachine = isLoopback(HOST) && (issuer === undefined || isLoopbackUrl(issuer));
  return MINTMARK_ACCESS ?? (isForThisMachine ? "open" : "clients");
}
