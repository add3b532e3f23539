import { isIP } from "node:net";
import { httpOrigin } from "../http/listen.ts";
import { type Config, sourceOf } from "../program/config.ts";
import type { Environment } from "../program/environment/read-values.ts";
import { settingList } from "../program/settings.ts";
import { resolveRateLimits } from "../service/throttle/call-limits.ts";
import type { StoredSettings } from "../store/settings.ts";
import { fullPath } from "../store/sqlite/data-directory.ts";
import { publicDatabaseUrl } from "./database-url.ts";

type Value = string | number | readonly string[];

/** A setting as `mintmark config` shows it. */
export type SettingRow = {
  variable: string;
  /** The value in force; null where there is none. Never a secret. */
  value: Value | null;
  /** `environment`, the variable that names a file, `default`, or `stored`. */
  source: string;
  unit?: "seconds";
  /** The value that the next start of a server stores in place of this one. */
  nextStart?: Value;
};

export type SettingRowsOptions = {
  config: Config;
  environment: Environment | undefined;
  /** The settings that are stored with the data; undefined where there is no data, or it cannot be read. */
  stored: StoredSettings | undefined;
};

/** Every setting with its value in force. A stored value is in force until a server with another one starts. */
export function settingRows({ config, environment, stored }: SettingRowsOptions): SettingRow[] {
  const values = valuesIn(config, stored);
  const { issuer, audience, alg, ttl, maxTtl } = stored ?? {};
  const storedValues: Record<string, Value | undefined> = { issuer, audience, alg, ttl, maxTtl };
  return settingList.map((setting): SettingRow => {
    const { variable, name, unit } = setting;
    const hasOther = variable === "MINTMARK_ALG" && config.secret !== undefined;
    const source = sourceOf(hasOther ? "MINTMARK_SECRET" : variable, environment);
    const isUnencrypted = variable === "MINTMARK_KEK" && source !== "default" && config.kek === undefined;
    const value = isUnencrypted ? "none" : publicValue(setting, values[name]);
    const row = { variable, value, source, ...(unit && { unit }) };
    const storedValue = hasOther ? undefined : storedValues[name];
    if (storedValue === undefined) return row;
    if (value === storedValue) return { ...row, source: source === "default" ? "stored" : source };
    const isKnown = value !== null && value !== UNKNOWN_ORIGIN;
    return { ...row, value: storedValue, source: "stored", ...(isKnown && { nextStart: value }) };
  });
}

/** The issuer where it depends on the port that the server gets, or on the address of its host name. */
const UNKNOWN_ORIGIN = "http://HOST:PORT";

/** The values by the names of settings, as a server has them that starts now. */
function valuesIn(config: Config, stored: StoredSettings | undefined): Record<string, unknown> {
  const { host, port, credentials } = config;
  const { issue, verify } = resolveRateLimits(config.rateLimits, config.access === "open");
  const issuer = config.issuer ?? (isIP(host) === 0 || port === 0 ? UNKNOWN_ORIGIN : httpOrigin(host, port));
  return {
    ...config,
    data: fullPath(config.data),
    issuer,
    audience: config.audience ?? issuer,
    alg: config.secret === undefined ? (config.alg ?? stored?.alg ?? "ES256") : "HS256",
    rateIssue: issue.perClient,
    rateIssueAddress: issue.perAddress,
    rateVerify: verify.perClient,
    rateVerifyAddress: verify.perAddress,
    ...credentials,
    ...signInValues(config),
  };
}

function signInValues({ signIn, theme }: Config): Record<string, unknown> {
  if (signIn === undefined) return theme;
  if ("url" in signIn) return { ...theme, signInUrl: signIn.url };
  const { issuer, clientId, clientSecret } = signIn.provider;
  return { ...theme, signInIssuer: issuer, signInClientId: clientId, signInClientSecret: clientSecret };
}

/** Every setting that a file can hold is a secret. */
function publicValue({ variable, fromFile }: (typeof settingList)[number], value: unknown): Value | null {
  if (value === undefined) return null;
  if (variable === "DATABASE_URL") return publicDatabaseUrl(String(value)) ?? HIDDEN;
  return fromFile ? HIDDEN : (value as Value);
}

const HIDDEN = "set, hidden";
