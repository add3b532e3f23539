import { isIP, isIPv6 } from "node:net";
import { z } from "zod";
import { networksIn, PROXIES } from "../../http/request/client.ts";
import { isLoopbackUrl, isOrigin, ORIGINS } from "../../http/request/origin.ts";
import { themeSchemas } from "../../http/theme.ts";
import { identifier } from "../../token/claims.ts";
import { isHttpUrl } from "../../token/http-url.ts";
import { hasInvisible, isPlainText, PLAIN_TEXT } from "../../token/invisible.ts";

const DAY = 86400;
const YEAR = 366 * DAY;

/** Seconds, 1 to 366 days. */
export const wholeSeconds = wholeNumber("must be a whole number of seconds").pipe(
  z.int().min(1, "must be at least 1 second").max(YEAR, `must be at most ${YEAR} seconds`),
);

const portNumber = "must be a port number, 0 to 65535 (0 picks a free one)";
/** Makes a secret of 32 bytes. */
export const makeSecret = "make one with  node -p \"crypto.randomBytes(32).toString('base64url')\"";

export const SET_BY_OTHERS = "Shells and conda set HOST, too: set it again, or unset it";
const hostName = `must be an IP address or a name of this machine, without scheme and port. ${SET_BY_OTHERS}`;

export const text = z.string().min(1).max(255, "must have at most 255 characters");
/** Validated at the start: an invalid claim would fail every issuance. */
const claim = z.string().refine((value) => identifier.safeParse(value).success, "must have at most 255 characters");
const plain = (text: z.ZodString) => text.refine(isPlainText, PLAIN_TEXT);

export const audience = plain(claim);

const keyBytes = `must be 32 bytes in base64url, base64 or hex: ${makeSecret}`;
/** A key-encryption key: 32 bytes. */
export const kek = z
  .string()
  .refine((encoded) => bytesOf(encoded)?.length === 32, keyBytes)
  .transform((encoded) => bytesOf(encoded) ?? Buffer.alloc(0));

export const kekOrNone = z.union([z.literal("none"), kek], `${keyBytes}, or "none"`);

export const issuer = plain(
  claim
    .refine((url) => !hasInvisible(url), PLAIN_TEXT)
    .refine(isHttpUrl, "must be an http or https URL without query, fragment or credentials"),
);

/** A person's browser goes there, and codes and secrets are sent there: readable on the way, but for loopback. */
const secureUrl = plain(text)
  .refine(isHttpUrl, "must be an https URL without query, fragment or credentials")
  .refine(
    (url) => !isHttpUrl(url) || /^https:/i.test(url) || isLoopbackUrl(url),
    "must be an https URL: http is for loopback alone",
  );

export const providerIssuer = secureUrl;
export const signInUrl = secureUrl;
/** Some providers have secrets of more than 255 characters. */
export const providerSecret = z.string().min(1, "must not be empty").max(4096, "must have at most 4096 characters");

export const { title, logo, colour } = themeSchemas;

export const callsPerMinute = wholeNumber("must be a whole number of calls a minute (0 for any number)");

export const proxies = z
  .string()
  .transform((list) => list.split(",").map((entry) => entry.trim()))
  .refine((entries) => entries.every((entry) => networksIn(entry) !== undefined), PROXIES);

export const origins = z
  .string()
  .transform((list) => list.split(",").map((entry) => entry.trim()))
  .refine((entries) => entries.every(isOrigin), ORIGINS);

export const host = z.string().refine(isHost, hostName).transform(plainHost);

export const port = wholeNumber(portNumber).refine((number) => number <= 65535, portNumber);

export const dataDirectory = z
  .string()
  .regex(/^(?![~$%])/, "begins with a character that only a shell expands: write the absolute path of the folder");

export const databaseUrl = z.string().regex(/^postgres(ql)?:\/\//, "must be a postgres:// URL");

export const longText = text.min(32, `must have at least 32 characters: ${makeSecret}`);

export const keepAlive = wholeSeconds.pipe(z.int().max(DAY, `must be at most ${DAY} seconds`));

export const drain = wholeNumber("must be a whole number of seconds").pipe(
  z.int().max(600, "must be at most 600 seconds"),
);

export const workers = wholeNumber("must be a number of processes").pipe(
  z.int().min(1, "must be at least 1").max(256, "must be at most 256"),
);

function wholeNumber(must: string) {
  return z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,8})$/, must)
    .transform(Number);
}

/**
 * Decodes hex, base64 or base64url, with or without padding. `undefined` for anything else: `Buffer.from` skips
 * characters that it does not know.
 */
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

/** The host as `listen` takes it: without brackets, an IPv6 address in its canonical form (RFC 5952). */
function plainHost(text: string): string {
  const host = text.replace(/^\[|\]$/g, "").toLowerCase();
  return isIPv6(host) && !host.includes("%") ? new URL(`http://[${host}]`).hostname.slice(1, -1) : host;
}
