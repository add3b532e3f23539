import { z } from "zod";
import { StartError } from "../errors.ts";
import { isLongSecret, MIN_SECRET_BYTES } from "../keys/shared-secret.ts";
import type { Clock, Seconds } from "../time.ts";
import { checkOptions, clockOption, functionOption, type OptionSchemas } from "../token/check-options.ts";
import { type Audience, audience, type ClaimsSchema, checkClaimsSchema, identifier } from "../token/claims.ts";
import type { Credentials } from "../token/client-secret-basic.ts";
import { endpointFault, isHttpUrl } from "../token/http-url.ts";
import { hasInvisible, isPlainText, PLAIN_TEXT } from "../token/invisible.ts";
import type { Fetch } from "./source/http-client.ts";

export type VerifierOptions<Schema extends ClaimsSchema> = {
  /** The only acceptable `iss`, compared exactly. */
  issuer: string;
  /**
   * The `aud` of this service, expected of every token unless `verify` is told of another. Of a list of 1 to 16, a token
   * must be for any.
   */
  audience: Audience;
  /**
   * Where the token service is, without `/trpc`. Default: the issuer. Use https beyond one machine: whoever
   * can change what comes from there decides which tokens are trusted.
   */
  url?: string | undefined;
  /** Schema of the custom claims. Default: any JSON object. */
  claims?: Schema | undefined;
  /**
   * The secret of a service that signs with one (HS256): at least 32 bytes. It is sent nowhere. Whoever has it can issue
   * tokens, too. Default: tokens are verified by the keys that the service publishes.
   */
  secret?: string | undefined;
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
  /** Tells the time by which tokens expire, in whole seconds since 1970; called once at the start. Default: the system's clock. How old the feed is, it does not tell. */
  clock?: Clock | undefined;
  /** How to send requests, as behind a proxy. Must not follow redirects or answer from a cache. Default: the global `fetch`. */
  fetch?: Fetch | undefined;
};

const url = z.string().refine(isHttpUrl, "must be an http or https URL without credentials, query or fragment");

const staleness = 'must be a number of seconds, more than 0: what is to go on without limit has onStale: "accept"';
const tolerance = "must be a number of seconds, 0 to 60";
const lifetime = "must be a whole number of seconds, 1 or more";

const schemas: OptionSchemas<VerifierOptions<ClaimsSchema>> = {
  issuer: identifier.refine(isPlainText, PLAIN_TEXT),
  audience: audience.refine(isPlainAudience, PLAIN_TEXT),
  url: url.optional(),
  claims: z.unknown().optional(),
  secret: z.string().refine(isLongSecret, `must have at least ${MIN_SECRET_BYTES} bytes`).optional(),
  credentials: z.strictObject({ clientId: z.string().min(1), clientSecret: z.string().min(1) }).optional(),
  maxStaleness: z.number(staleness).positive(staleness).optional(),
  onStale: z.enum(["reject", "accept"]).optional(),
  clockTolerance: z.number(tolerance).min(0, tolerance).max(60, tolerance).optional(),
  maxLifetime: z.int(lifetime).positive(lifetime).optional(),
  follow: z.boolean().optional(),
  clock: clockOption.optional(),
  fetch: functionOption.optional(),
};

/** White space at the ends is let pass in a list: beside the right audience it may name one that tokens have by mistake. */
function isPlainAudience(audience: Audience): boolean {
  return typeof audience === "string" ? isPlainText(audience) : !audience.some(hasInvisible);
}

/** Throws a {@link StartError} that names the option that is wrong, and quotes none. Gives where the service is. */
export function checkVerifierOptions<Schema extends ClaimsSchema>(given: VerifierOptions<Schema>): { url: string } {
  checkOptions("createVerifier", schemas, given);
  if (given.claims !== undefined) checkClaimsSchema(given.claims);
  const { url = given.issuer } = given;
  // Whoever has the secret and follows nothing never calls the service.
  const callsService = given.follow !== false || given.secret === undefined;
  if (callsService && !isHttpUrl(url))
    throw new StartError("createVerifier: url is needed, since the issuer is no http or https URL");
  const fault = callsService ? endpointFault(url) : undefined;
  if (fault !== undefined && given.url === undefined)
    throw new StartError("createVerifier: url is needed, since the issuer ends with /trpc");
  if (fault !== undefined) throw new StartError(`createVerifier: url ${fault}`);
  return { url: url.replace(/\/+$/, "") };
}
