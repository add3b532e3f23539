import { z } from "zod";
import { StartError } from "../errors.ts";
import type { Clock, Seconds } from "../time.ts";
import { type ClaimsSchema, checkClaimsSchema, identifier } from "../token/claims.ts";
import type { Credentials } from "./basic.ts";
import type { Fetch } from "./exchange.ts";

export type VerifierOptions<Schema extends ClaimsSchema> = {
  /** The only acceptable `iss`, compared exactly. */
  issuer: string;
  /** The `aud` of this service, expected of every token unless `verify` is told of another. */
  audience: string;
  /**
   * Where the token service is, without `/trpc`. Default: the issuer. Use https beyond one machine: whoever
   * can change what comes from there decides which tokens are trusted.
   */
  url?: string | undefined;
  /** Schema of the custom claims. Default: any JSON object. */
  claims?: Schema | undefined;
  /** A client that may follow events. Not needed where access is open, or where the feed is not followed. */
  credentials?: Credentials | undefined;
  /** How old what is known may be. Default 30. Below 6 it is stale now and then, since an idle feed is heard every 5. */
  maxStaleness?: Seconds | undefined;
  /** What to do with tokens while stale. Default `reject`; `accept` goes on with what was known last. */
  onStale?: "reject" | "accept" | undefined;
  /** How long after `exp` a token is still accepted, 0 to 60. Default 0. */
  clockTolerance?: Seconds | undefined;
  /** Longest lifetime that is believed. Default 86,400, as the service's own: set both where that is longer. */
  maxLifetime?: Seconds | undefined;
  /**
   * Whether to follow the feed. Default true. Without it tokens are verified by the JWK Set alone:
   * revoked tokens are accepted until they expire, and killed keys until the set is fetched again.
   */
  follow?: boolean | undefined;
  /** Tells the time by which tokens expire. Default: the system's clock. How old the feed is, it does not tell. */
  clock?: Clock | undefined;
  /** How to send requests, as behind a proxy. Must not follow redirects or answer from a cache. Default: the global `fetch`. */
  fetch?: Fetch | undefined;
};

const serviceUrl = z
  .string()
  .refine(isServiceUrl, "must be an http or https URL without credentials, query or fragment");

const options = z.strictObject({
  issuer: identifier,
  audience: identifier,
  url: serviceUrl.optional(),
  claims: z.custom(isSchema, "must be a zod schema").optional(),
  credentials: z.strictObject({ clientId: z.string().min(1), clientSecret: z.string().min(1) }).optional(),
  maxStaleness: z.number().positive().optional(),
  onStale: z.enum(["reject", "accept"]).optional(),
  clockTolerance: z.number().min(0).max(60).optional(),
  maxLifetime: z.int().positive().optional(),
  follow: z.boolean().optional(),
  clock: z.custom(isFunction, "must be a function").optional(),
  fetch: z.custom(isFunction, "must be a function").optional(),
});

function isServiceUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && [username, password, search, hash].every((part) => part === "");
}

function isSchema(value: unknown): boolean {
  return typeof value === "object" && value !== null && "safeParse" in value;
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

/** Throws a {@link StartError} that names the option that is wrong, and quotes none. Gives where the service is. */
export function checkOptions<Schema extends ClaimsSchema>(given: VerifierOptions<Schema>): { url: string } {
  const { error } = options.safeParse(given);
  const [issue] = error?.issues ?? [];
  if (issue !== undefined) throw new StartError(`createVerifier: ${issue.path.join(".")} ${issue.message}`.trim());
  if (given.claims !== undefined) checkClaimsSchema(given.claims);
  const { url = given.issuer } = given;
  if (!isServiceUrl(url))
    throw new StartError("createVerifier: url is needed, since the issuer is no http or https URL");
  return { url: url.replace(/\/+$/, "") };
}
