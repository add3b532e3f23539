import { z } from "zod";
import { KEEP_ALIVE } from "../http/listen.ts";
import { KEY_PAIR_ALGORITHMS } from "../keys/public-jwk.ts";
import * as schemas from "./environment/schemas.ts";

/** One setting. Type `Config`, `mintmark serve --help` and `docs/configuration.md` come from the table of them. */
export type Setting = {
  /** The field of `Config`. */
  name: string;
  /** Parses the text of the variable. Has the default, where that depends on no other setting. */
  schema: z.ZodType;
  /** One line for `--help` and the documentation; code in backticks. */
  doc: string;
  unit?: "seconds";
  /** The default in words, where it depends on another setting. */
  otherwise?: string;
  /** Whether `<variable>_FILE` can name a file that holds the value. */
  fromFile?: true;
  /** Whether an empty value is an error: it would run the service without the secret. Otherwise empty is unset. */
  refuseEmpty?: true;
};

const { wholeSeconds, callsPerMinute, text } = schemas;
const DAY = 86400;
const secret = { fromFile: true, refuseEmpty: true } as const;
const unit = "seconds";

/** Every setting, by its variable. */
export const settings = {
  HOST: {
    name: "host",
    schema: schemas.host.default("127.0.0.1"),
    doc: "IP address or host name of this machine to listen on",
  },
  PORT: { name: "port", schema: schemas.port.default(3000), doc: "port to listen on; `0` picks a free one" },
  MINTMARK_ISSUER: {
    name: "issuer",
    schema: schemas.issuer.optional(),
    otherwise: "`http://HOST:PORT`",
    doc: "the `iss` of every token; stored with the data; required where `HOST` is not a loopback address",
  },
  MINTMARK_AUDIENCE: {
    name: "audience",
    schema: schemas.audience.optional(),
    otherwise: "the issuer",
    doc: "the `aud` of a token requested without one; stored with the data",
  },
  MINTMARK_DATA: {
    name: "data",
    schema: schemas.dataDirectory.default(".mintmark"),
    doc: "folder of the embedded database; for Mintmark alone",
  },
  DATABASE_URL: {
    name: "databaseUrl",
    schema: schemas.databaseUrl.optional(),
    doc: "`postgres://…` stores all state in PostgreSQL instead; `?schema=NAME` names the schema of its tables",
    fromFile: true,
  },
  MINTMARK_ALG: {
    name: "alg",
    schema: z.enum(KEY_PAIR_ALGORITHMS).optional(),
    otherwise: "that of the data, at first `ES256`",
    doc: "`ES256`, `ES384`, `RS256`, `PS256` or `EdDSA`, from the next key on; stored with the data",
  },
  MINTMARK_SECRET: {
    name: "secret",
    schema: z.string().optional(),
    doc: "shared secret of at least 32 bytes: sign with HS256, accept nothing else, publish no keys",
    ...secret,
  },
  MINTMARK_KEK: {
    name: "kek",
    schema: schemas.kekOrNone.optional(),
    doc: '32 bytes in base64url, base64 or hex that encrypt private keys at rest; with `DATABASE_URL` required, or "none"',
    ...secret,
  },
  MINTMARK_KEK_PREVIOUS: {
    name: "previousKek",
    schema: schemas.kek.optional(),
    doc: "for `mintmark keys rewrap`: the key-encryption key that the private keys are encrypted with now",
    fromFile: true,
  },
  MINTMARK_TTL: {
    name: "ttl",
    schema: wholeSeconds.default(900),
    unit,
    doc: "lifetime of a token requested without one; stored with the data",
  },
  MINTMARK_MAX_TTL: {
    name: "maxTtl",
    schema: wholeSeconds.default(DAY),
    unit,
    doc: "longest lifetime of a token; stored with the data; tokens issued under a higher limit stay valid",
  },
  MINTMARK_ROTATION: {
    name: "rotation",
    schema: wholeSeconds.default(30 * DAY),
    unit,
    doc: "how long a key signs",
  },
  MINTMARK_REFRESH_TTL: {
    name: "refreshTtl",
    schema: wholeSeconds.default(30 * DAY),
    unit,
    doc: "lifetime of a grant: refresh tokens end with it",
  },
  MINTMARK_REFRESH_IDLE: {
    name: "refreshIdle",
    schema: wholeSeconds.default(7 * DAY),
    unit,
    doc: "lifetime of a refresh token that is not used",
  },
  MINTMARK_REPLAY_WINDOW: {
    name: "replayWindow",
    schema: wholeSeconds.default(10),
    unit,
    doc: "how long a repeated refresh gets the same answer; later, reuse revokes the grant",
  },
  MINTMARK_AUDIT_RETENTION: {
    name: "auditRetention",
    schema: wholeSeconds.default(90 * DAY),
    unit,
    doc: "how long audit records are stored",
  },
  MINTMARK_ACCESS: {
    name: "access",
    schema: z.enum(["open", "clients"]).optional(),
    otherwise: "`open` where host and issuer are loopback, else `clients`",
    doc: "`open`: every program on this machine may do everything; `clients`: callers authenticate as clients",
  },
  MINTMARK_ADMIN_SECRET: {
    name: "adminSecret",
    schema: schemas.longText.optional(),
    doc: 'adds the client "admin" with this secret of at least 32 characters',
    ...secret,
  },
  MINTMARK_RATE_ISSUE: {
    name: "rateIssue",
    schema: callsPerMinute.optional(),
    otherwise: "`30000`; `0` where access is open",
    doc: "calls a minute of `getToken` and `refreshToken` by one client; `0` sets no limit",
  },
  MINTMARK_RATE_ISSUE_ADDRESS: {
    name: "rateIssueAddress",
    schema: callsPerMinute.optional(),
    otherwise: "`60000`; `0` where access is open",
    doc: "the same from one address (IPv6: one /64)",
  },
  MINTMARK_RATE_VERIFY: {
    name: "rateVerify",
    schema: callsPerMinute.optional(),
    otherwise: "`300000`; `0` where access is open",
    doc: "calls a minute of `introspectToken` by one client; `0` sets no limit",
  },
  MINTMARK_RATE_VERIFY_ADDRESS: {
    name: "rateVerifyAddress",
    schema: callsPerMinute.optional(),
    otherwise: "`600000`; `0` where access is open",
    doc: "calls a minute of `verifyToken` and `introspectToken` from one address (IPv6: one /64)",
  },
  MINTMARK_ORIGINS: {
    name: "origins",
    schema: schemas.origins.default([]),
    doc: "web origins whose pages may call from a browser, separated by commas: `https://app.example`",
  },
  MINTMARK_TRUST_PROXY: {
    name: "trustProxy",
    schema: schemas.proxies.default([]),
    doc: "proxies whose `X-Forwarded-For` is trusted: addresses, networks or `loopback`, separated by commas",
  },
  MINTMARK_CLIENT_ID: {
    name: "clientId",
    schema: text.optional(),
    doc: "client id of commands with `--url`",
  },
  MINTMARK_CLIENT_SECRET: {
    name: "clientSecret",
    schema: text.optional(),
    doc: "client secret of commands with `--url`",
    fromFile: true,
  },
  MINTMARK_KEEP_ALIVE: {
    name: "keepAlive",
    schema: schemas.keepAlive.default(KEEP_ALIVE),
    unit,
    doc: "how long an idle connection stays open; longer than the idle timeout of the load balancer in front",
  },
  MINTMARK_DRAIN: {
    name: "drain",
    schema: schemas.drain.optional(),
    unit,
    otherwise: "`1`; `0` where access is open",
    doc: "how long the server serves on after SIGTERM, while `/readyz` answers 503",
  },
  MINTMARK_WORKERS: {
    name: "workers",
    schema: schemas.workers.default(1),
    doc: "processes that share the port; with 2 or more, one further process supervises them",
  },
  MINTMARK_LOG_LEVEL: {
    name: "logLevel",
    schema: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
    doc: "`fatal`, `error`, `warn`, `info`, `debug` (one line a request), `trace` or `silent`",
  },
} as const satisfies Record<string, Setting>;

type Settings = typeof settings;

/** The name of a variable. */
export type Variable = keyof Settings;

/** Parsed values, by variable. */
export type Variables = z.output<z.ZodObject<{ -readonly [V in Variable]: Settings[V]["schema"] }>>;

/** Parsed values, by field of `Config`. */
export type Fields = { [V in Variable as Settings[V]["name"]]: z.output<Settings[V]["schema"]> };

/** The schemas, by variable. */
export const variables = Object.fromEntries(
  Object.entries<Setting>(settings).map(([variable, { schema }]) => [variable, schema]),
) as { -readonly [V in Variable]: Settings[V]["schema"] };

/** Names parsed values as `Config` does. */
export function fieldsOf(parsed: Variables): Fields {
  const entries = Object.entries(settings).map(([variable, { name }]) => [name, parsed[variable as Variable]]);
  return Object.fromEntries(entries);
}

/** The settings as a list, for readers that treat all alike. */
export const settingList: readonly (Setting & { variable: string })[] = Object.entries<Setting>(settings).map(
  ([variable, setting]) => ({ variable, ...setting }),
);

/** The default as the documentation shows it. Empty where there is none. */
export function defaultOf({ schema, otherwise, unit }: Setting): string {
  const value: unknown = schema.safeParse(undefined).data;
  const isNone = value === undefined || (Array.isArray(value) && value.length === 0);
  const shown = isNone ? otherwise : `\`${value}\``;
  return [shown, shown && unit].filter(Boolean).join(" ");
}
