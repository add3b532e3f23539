import { isIP, isIPv6 } from "node:net";
import { z } from "zod";
import { KEEP_ALIVE_MS } from "../http/listen.ts";
import { networksIn, PROXIES } from "../http/request/client-address.ts";
import { isOrigin, ORIGINS } from "../http/request/cors.ts";
import { identifier } from "../token/claims.ts";
import { isHttpUrl } from "../token/http-url.ts";
import { hasInvisible, isPlainText, PLAIN_TEXT } from "../token/invisible.ts";

const DAY = 86400;
const YEAR = 366 * DAY;

const wholeSeconds = wholeNumber("must be a whole number of seconds").pipe(
  z.int().min(1, "must be at least 1 second").max(YEAR, `must be at most ${YEAR} seconds`),
);

const portNumber = "must be a port number, 0 to 65535 (0 picks a free one)";
/** How to make one of 32 bytes. */
export const makeSecret = "make one with  node -p \"crypto.randomBytes(32).toString('base64url')\"";

export const SET_BY_OTHERS = "Shells and conda set HOST as well: set it anew, or unset it";
const hostName = `must be an IP address or a name of this machine, without scheme and port. ${SET_BY_OTHERS}`;

const text = z.string().min(1).max(255, "must have at most 255 characters");
/** What a token cannot carry would be refused with each token. */
const claim = z.string().refine((value) => identifier.safeParse(value).success, "must have at most 255 characters");
const plain = (text: z.ZodString) => text.refine(isPlainText, PLAIN_TEXT);

const keyBytes = `must be 32 bytes in base64url, base64 or hex: ${makeSecret}`;
const kek = z
  .string()
  .refine((encoded) => bytesOf(encoded)?.length === 32, keyBytes)
  .transform((encoded) => bytesOf(encoded) ?? Buffer.alloc(0));

const issuer = plain(
  claim
    .refine((url) => !hasInvisible(url), PLAIN_TEXT)
    .refine(isHttpUrl, "must be an http or https URL without query, fragment or credentials"),
);

const callsPerMinute = wholeNumber("must be a whole number of calls a minute (0 for any number)");

const proxies = z
  .string()
  .transform((list) => list.split(",").map((entry) => entry.trim()))
  .refine((entries) => entries.every((entry) => networksIn(entry) !== undefined), PROXIES);

const origins = z
  .string()
  .transform((list) => list.split(",").map((entry) => entry.trim()))
  .refine((entries) => entries.every(isOrigin), ORIGINS);

/** Each variable: what it must be, and its default where that depends on no other. */
export const variables = {
  HOST: z.string().refine(isHost, hostName).transform(plainHost).default("127.0.0.1"),
  PORT: wholeNumber(portNumber)
    .refine((port) => port <= 65535, portNumber)
    .default(3000),
  MINTMARK_ISSUER: issuer.optional(),
  MINTMARK_AUDIENCE: plain(claim).optional(),
  MINTMARK_DATA: z
    .string()
    .regex(/^(?![~$%])/, "begins with what only a shell replaces: write the whole path of the folder")
    .default(".mintmark"),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "must be a postgres:// URL")
    .optional(),
  MINTMARK_ALG: z.enum(["ES256", "ES384", "RS256", "PS256", "EdDSA"]).optional(),
  MINTMARK_SECRET: z.string().optional(),
  MINTMARK_KEK: z.union([z.literal("none"), kek], `${keyBytes}, or "none"`).optional(),
  MINTMARK_KEK_PREVIOUS: kek.optional(),
  MINTMARK_TTL: wholeSeconds.default(900),
  MINTMARK_MAX_TTL: wholeSeconds.default(86400),
  MINTMARK_ROTATION: wholeSeconds.default(30 * 86400),
  MINTMARK_REFRESH_TTL: wholeSeconds.default(30 * 86400),
  MINTMARK_REFRESH_IDLE: wholeSeconds.default(7 * 86400),
  MINTMARK_REPLAY_WINDOW: wholeSeconds.default(10),
  MINTMARK_AUDIT_RETENTION: wholeSeconds.default(90 * 86400),
  MINTMARK_ACCESS: z.enum(["open", "clients"]).optional(),
  MINTMARK_ADMIN_SECRET: text.min(32, `must have at least 32 characters: ${makeSecret}`).optional(),
  MINTMARK_RATE_ISSUE: callsPerMinute.optional(),
  MINTMARK_RATE_ISSUE_ADDRESS: callsPerMinute.optional(),
  MINTMARK_RATE_VERIFY: callsPerMinute.optional(),
  MINTMARK_RATE_VERIFY_ADDRESS: callsPerMinute.optional(),
  MINTMARK_TRUST_PROXY: proxies.default([]),
  MINTMARK_ORIGINS: origins.default([]),
  MINTMARK_CLIENT_ID: text.optional(),
  MINTMARK_CLIENT_SECRET: text.optional(),
  MINTMARK_KEEP_ALIVE: wholeSeconds.pipe(z.int().max(DAY, `must be at most ${DAY} seconds`)).default(KEEP_ALIVE_MS),
  MINTMARK_DRAIN: wholeNumber("must be a whole number of seconds")
    .pipe(z.int().max(600, "must be at most 600 seconds"))
    .optional(),
  MINTMARK_WORKERS: wholeNumber("must be a number of processes")
    .pipe(z.int().min(1, "must be at least 1").max(256, "must be at most 256"))
    .default(1),
  MINTMARK_LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
};
export type Variables = z.output<z.ZodObject<typeof variables>>;

function wholeNumber(must: string) {
  return z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,8})$/, must)
    .transform(Number);
}

/** The bytes of a text in hex or base64, of either alphabet, with or without padding. `undefined` for anything else: Node passes over what it does not know. */
function bytesOf(encoded: string): Buffer | undefined {
  if (/^[0-9a-f]{64}$/i.test(encoded)) return Buffer.from(encoded, "hex");
  const bytes = Buffer.from(encoded, "base64");
  const canonical = encoded.replace(/=$/, "").replaceAll("+", "-").replaceAll("/", "_");
  return bytes.toString("base64url") === canonical ? bytes : undefined;
}

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;

function isHost(text: string): boolean {
  if (isIP(text) !== 0 || isIPv6(/^\[(.*)\]$/.exec(text)?.[1] ?? "")) return true;
  const labels = text.replace(/\.$/, "").split(".");
  return text.length <= 253 && labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? "");
}

/** As `listen` takes it: without brackets, and an address of this machine as it is otherwise written. */
function plainHost(text: string): string {
  const host = text.replace(/^\[|\]$/g, "").toLowerCase();
  return isIPv6(host) && !host.includes("%") ? new URL(`http://[${host}]`).hostname.slice(1, -1) : host;
}
