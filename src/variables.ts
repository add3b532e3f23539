import { z } from "zod";
import { isOrigin, ORIGINS } from "./http/cors.ts";
import { networksIn, PROXIES } from "./http/proxies.ts";
import { isHttpUrl } from "./token/http-url.ts";

const YEAR = 366 * 86400;

const wholeSeconds = z
  .string()
  .regex(/^[0-9]{1,9}$/, "must be a whole number of seconds")
  .transform(Number)
  .pipe(z.int().min(1, "must be at least 1 second").max(YEAR, `must be at most ${YEAR} seconds`));

const portNumber = "must be a port number, 0 to 65535 (0 picks a free one)";
/** How to make one of 32 bytes. */
export const makeSecret = "make one with  node -p \"crypto.randomBytes(32).toString('base64url')\"";

const text = z.string().min(1).max(255);

const kek = z
  .string()
  .transform((encoded) => Buffer.from(encoded, "base64url"))
  .refine((bytes) => bytes.length === 32, `must be 32 bytes in base64url: ${makeSecret}`);

const issuer = text.refine(isHttpUrl, "must be an http or https URL without query, fragment or credentials");

const callsPerMinute = z
  .string()
  .regex(/^[0-9]{1,9}$/, "must be a whole number of calls a minute (0 for any number)")
  .transform(Number);

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
  HOST: z.string().default("127.0.0.1"),
  PORT: z
    .string()
    .regex(/^[0-9]{1,5}$/, portNumber)
    .transform(Number)
    .refine((port) => port <= 65535, portNumber)
    .default(3000),
  MINTMARK_ISSUER: issuer.optional(),
  MINTMARK_AUDIENCE: text.optional(),
  MINTMARK_DATA: z.string().min(1).default(".mintmark"),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "must be a postgres:// URL")
    .optional(),
  MINTMARK_ALG: z.enum(["ES256", "ES384", "RS256", "PS256", "EdDSA"]).optional(),
  MINTMARK_SECRET: z.string().optional(),
  MINTMARK_KEK: z.union([z.literal("none"), kek], `must be 32 bytes in base64url: ${makeSecret}`).optional(),
  MINTMARK_KEK_PREVIOUS: kek.optional(),
  MINTMARK_TTL: wholeSeconds.default(900),
  MINTMARK_MAX_TTL: wholeSeconds.default(86400),
  MINTMARK_ROTATION: wholeSeconds.default(30 * 86400),
  MINTMARK_REFRESH_TTL: wholeSeconds.default(30 * 86400),
  MINTMARK_REFRESH_IDLE: wholeSeconds.default(7 * 86400),
  MINTMARK_REPLAY_WINDOW: wholeSeconds.default(10),
  MINTMARK_AUDIT_RETENTION: wholeSeconds.default(90 * 86400),
  MINTMARK_ACCESS: z.enum(["open", "clients"]).optional(),
  MINTMARK_ADMIN_SECRET: z.string().min(32, `must have at least 32 characters: ${makeSecret}`).max(255).optional(),
  MINTMARK_RATE_ISSUE: callsPerMinute.optional(),
  MINTMARK_RATE_ISSUE_ADDRESS: callsPerMinute.optional(),
  MINTMARK_RATE_VERIFY: callsPerMinute.optional(),
  MINTMARK_RATE_VERIFY_ADDRESS: callsPerMinute.optional(),
  MINTMARK_TRUST_PROXY: proxies.default([]),
  MINTMARK_ORIGINS: origins.default([]),
  MINTMARK_CLIENT_ID: text.optional(),
  MINTMARK_CLIENT_SECRET: text.optional(),
  MINTMARK_DRAIN: z
    .string()
    .regex(/^[0-9]{1,3}$/, "must be a whole number of seconds")
    .transform(Number)
    .pipe(z.int().max(600, "must be at most 600 seconds"))
    .optional(),
  MINTMARK_WORKERS: z
    .string()
    .regex(/^[0-9]{1,3}$/, "must be a number of processes")
    .transform(Number)
    .pipe(z.int().min(1, "must be at least 1").max(256, "must be at most 256"))
    .default(1),
  MINTMARK_LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
};
export type Variables = z.output<z.ZodObject<typeof variables>>;
