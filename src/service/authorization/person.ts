import * as z from "zod/mini";
import { safeParse } from "zod/v4/core";
import { type Issue, MintmarkError } from "../../errors.ts";
import { MAX_CLOCK_SKEW } from "../../keys/lifecycle.ts";
import type { AuthorizationRequest, SignedInPerson } from "../../store/authorization.ts";
import type { Seconds } from "../../time.ts";
import { type ClaimsSchema, identifier, scopeString } from "../../token/claims.ts";
import { type JsonObject, validateJson } from "../../token/json.ts";
import { standardClaims } from "./openid.ts";
import type { Profile } from "./step.ts";

/** Longest profile, in characters of JSON: it is kept with the session, and is part of the `id_token`. */
const MAX_PROFILE = 4000;

const person = z.object({
  subject: identifier,
  authTime: z.optional(z.int().check(z.nonnegative())),
  claims: z.optional(z.record(z.string(), z.unknown())),
  scope: z.optional(z.union([scopeString, z.literal("")])),
  profile: z.optional(z.record(z.string(), z.unknown())),
});

/**
 * Checks what a sign-in method says of a person. `schema` is that of requested claims. Throws `invalid_request`, without a
 * value, for what no token could contain.
 */
export function checkedPerson(given: unknown, { schema, now }: { schema: ClaimsSchema; now: Seconds }): SignedInPerson {
  const { data, error } = person.safeParse(given);
  if (error !== undefined) throw invalid(error.issues.map(({ path, message }) => issueAt(path, message)));
  const claims = safeParse(schema, data.claims ?? {});
  if (!claims.success)
    throw invalid(claims.error.issues.map(({ path, message }) => issueAt(["claims", ...path], message)));
  const profile = standardClaims(data.profile ?? {});
  if (validateJson(profile) !== undefined || JSON.stringify(profile).length > MAX_PROFILE)
    throw invalid([{ path: "profile", message: `must be JSON of ${MAX_PROFILE} characters at most` }]);
  const { subject, authTime = now, scope } = data;
  // The clock of a sign-in method may be ahead.
  if (authTime > now + MAX_CLOCK_SKEW) throw invalid([{ path: "authTime", message: "must not be in the future" }]);
  return {
    subject,
    claims: claims.data as Record<string, unknown>,
    profile,
    authTime: Math.min(authTime, now),
    ...(scope !== undefined && { scope }),
  };
}

/**
 * When a sign-in method answers a request: not before it, although the clock of the server that stored it may be ahead. Else
 * a person who has just signed in would have signed in too early.
 */
export function timeOfAnswer({ startedAt }: Pick<AuthorizationRequest, "startedAt">, now: Seconds): Seconds {
  return Math.max(now, startedAt);
}

/**
 * The standard claims of a profile that tokens can contain: without the longest ones, if it is too long. So nobody is kept
 * from signing in by a picture that they have at a provider.
 */
export function usableProfile(profile: Profile): JsonObject {
  const claims = Object.entries(standardClaims(profile)).filter(([, value]) => validateJson([value]) === undefined);
  const sizeOf = (claim: (typeof claims)[number]) => JSON.stringify(claim).length;
  const [longest, ...others] = claims.toSorted((a, b) => sizeOf(b) - sizeOf(a));
  const usable = Object.fromEntries(claims);
  const isLong = longest !== undefined && JSON.stringify(usable).length > MAX_PROFILE;
  return isLong ? usableProfile(Object.fromEntries(others)) : usable;
}

function issueAt(path: readonly PropertyKey[], message: string): Issue {
  return { path: path.map(String).join("."), message };
}

function invalid(issues: readonly Issue[]): MintmarkError {
  return new MintmarkError("invalid_request", { issues });
}
