import * as z from "zod/mini";
import { StartError } from "../errors.ts";
import { isLongSecret, MIN_SECRET_BYTES } from "../keys/shared-secret.ts";
import type { Clock, Seconds } from "../time.ts";
import { checkOptions, clockOption, functionOption, type OptionSchemas } from "../token/check-options.ts";
import { type Audience, audience, type ClaimsSchema, checkClaimsSchema, identifier } from "../token/claims.ts";
import type { Credentials } from "../token/client-secret-basic.ts";
import { isHttpUrl, validateServiceUrl } from "../token/http-url.ts";
import { hasInvisible, isPlainText, PLAIN_TEXT } from "../token/invisible.ts";
import type { Fetch } from "./source/http-client.ts";

export type VerifierOptions<Schema extends ClaimsSchema> = {
  /** The only acceptable `iss`, compared exactly. */
  issuer: string;
  /**
   * The `aud` of this service, unless `verify` gets another. Of a list of 1 to 16, a token must have any.
   */
  audience: Audience;
  /**
   * Base URL of the token service, without `/trpc`. Default: the issuer. Use https between machines: who can change the
   * responses decides which tokens are trusted.
   */
  url?: string | undefined;
  /** Schema of the custom claims. Default: any JSON object. */
  claims?: Schema | undefined;
  /**
   * The shared secret of a service that signs with one (HS256): at least 32 bytes. Never sent. It also signs: who has it can
   * issue tokens. Default: the published keys verify.
   */
  secret?: string | undefined;
  /** A client with the permission `follow_events`. Not needed with open access, or without the feed. */
  credentials?: Credentials | undefined;
  /** Longest age of the revocation data. Default 30. Below 6 the verifier is sometimes stale: an idle feed sends every 5 s. */
  maxStaleness?: Seconds | undefined;
  /** Whether to reject tokens while stale (default), or to verify them with the last data. */
  onStale?: "reject" | "accept" | undefined;
  /** How long after `exp` a token is still accepted, 0 to 60. Default 0. */
  clockTolerance?: Seconds | undefined;
  /** Longest accepted lifetime of a token. Default 86,400. Raise it with the service's own maximum. */
  maxLifetime?: Seconds | undefined;
  /**
   * Whether to follow the feed. Default true. Without it the JWK Set alone verifies: revoked tokens are accepted until they
   * expire, and revoked keys until the set is fetched again.
   */
  follow?: boolean | undefined;
  /** Clock for the times in tokens, in whole seconds since 1970; called once at creation. Default: the system's. Not for `age`. */
  clock?: Clock | undefined;
  /** Sends requests, for example by a proxy. Must not follow redirects or use a cache. Default: the global `fetch`. */
  fetch?: Fetch | undefined;
};

const url = z
  .string()
  .check(z.refine(isHttpUrl, "must be an http or https URL without credentials, query or fragment"));

const text = z.string().check(z.minLength(1));
const staleness = 'must be a number of seconds, more than 0: for no limit, set onStale: "accept"';
const tolerance = "must be a number of seconds, 0 to 60";
const lifetime = "must be a whole number of seconds, 1 or more";

const schemas: OptionSchemas<VerifierOptions<ClaimsSchema>> = {
  issuer: identifier.check(z.refine(isPlainText, PLAIN_TEXT)),
  audience: audience.check(z.refine(isPlainAudience, PLAIN_TEXT)),
  url: z.optional(url),
  claims: z.optional(z.unknown()),
  secret: z.optional(z.string().check(z.refine(isLongSecret, `must have at least ${MIN_SECRET_BYTES} bytes`))),
  credentials: z.optional(z.strictObject({ clientId: text, clientSecret: text })),
  maxStaleness: z.optional(z.number(staleness).check(z.positive(staleness))),
  onStale: z.optional(z.enum(["reject", "accept"])),
  clockTolerance: z.optional(z.number(tolerance).check(z.gte(0, tolerance), z.lte(60, tolerance))),
  maxLifetime: z.optional(z.int(lifetime).check(z.positive(lifetime))),
  follow: z.optional(z.boolean()),
  clock: z.optional(clockOption),
  fetch: z.optional(functionOption),
};

/** A list may contain an audience with white space at its ends, which tokens carry by mistake, beside the right one. */
function isPlainAudience(audience: Audience): boolean {
  return typeof audience === "string" ? isPlainText(audience) : !audience.some(hasInvisible);
}

/** Throws a {@link StartError} that names the wrong option and quotes no value. Returns the base URL of the service. */
export function checkVerifierOptions<Schema extends ClaimsSchema>(given: VerifierOptions<Schema>): { url: string } {
  checkOptions("createVerifier", schemas, given);
  if (given.claims !== undefined) checkClaimsSchema(given.claims);
  if (globalThis.crypto?.subtle === undefined)
    throw new StartError(
      "createVerifier: this platform has no crypto.subtle. Browsers have it on pages of https alone",
    );
  const { url = given.issuer } = given;
  // With the secret and without the feed, nothing is fetched.
  const callsService = given.follow !== false || given.secret === undefined;
  if (callsService && !isHttpUrl(url))
    throw new StartError("createVerifier: url is needed, since the issuer is no http or https URL");
  const fault = callsService ? validateServiceUrl(url) : undefined;
  if (fault !== undefined && given.url === undefined)
    throw new StartError("createVerifier: url is needed, since the issuer ends with /trpc");
  if (fault !== undefined) throw new StartError(`createVerifier: url ${fault}`);
  return { url: url.replace(/\/+$/, "") };
}
