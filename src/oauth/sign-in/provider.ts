import { createHmac } from "node:crypto";
import type { Configuration, IDToken } from "openid-client";
import { MintmarkError } from "../../errors.ts";
import { usableProfile } from "../../service/authorization/person.ts";
import type { Profile, SignInStep } from "../../service/authorization/step.ts";
import { refuseWithout } from "../../store/missing-package.ts";
import type { Clock } from "../../time.ts";
import { baseOf } from "../../token/http-url.ts";
import type { SignInMethod, SignInOutcome } from "../sign-in-method.ts";
import { createProviderConfiguration, type Library, type ProviderOptions } from "./provider-configuration.ts";
import { failureAtProvider, type OnSignInFailure } from "./provider-failure.ts";
import { redirectTo } from "./redirect.ts";

export type ProviderSignInOptions = ProviderOptions & {
  /** The issuer of this service: the provider sends browsers back to its `/oauth/callback`. */
  ownIssuer: string;
  clock: Clock;
  onFailure: OnSignInFailure;
};

const CALLBACK = "/oauth/callback";

/**
 * Makes the method by which people sign in at an OpenID provider (OpenID Connect Core §3.1): code flow with PKCE, state and
 * nonce. The subject is the provider's `sub`. Needs the package `openid-client`; throws a `StartError` without it. The provider
 * may be away at the start: its metadata is read when a person signs in. Its tokens are neither stored nor logged.
 *
 * A provider that does not say when the person signed in (`auth_time`) cannot serve requests with `max_age` or
 * `prompt=login`: their clients receive `login_required`.
 */
export async function createProviderSignIn(options: ProviderSignInOptions): Promise<SignInMethod> {
  const library = await import("openid-client").catch(refuseWithout("openid-client"));
  const { ownIssuer, clock, onFailure } = options;
  const configuration = createProviderConfiguration(library, options);
  const redirectUri = `${baseOf(ownIssuer)}${CALLBACK}`;

  /** Rejects with `unavailable` where the provider is away. What it refuses is a failed sign-in. */
  async function attempt(work: (found: Configuration) => Promise<SignInOutcome>): Promise<SignInOutcome> {
    const found = await configuration().catch((cause: unknown) => {
      onFailure("reading the metadata of the OpenID provider", cause);
      throw new MintmarkError("unavailable", { cause });
    });
    try {
      return await work(found);
    } catch (error) {
      const failure = failureAtProvider(error);
      if (failure.outcome !== "refused") onFailure(failure.work, error);
      if (failure.outcome === "away") throw new MintmarkError("unavailable", { cause: error });
      return { outcome: failure.outcome };
    }
  }

  return {
    signIn: (_request, step) =>
      attempt(async (found) => {
        const challenge = await library.calculatePKCECodeChallenge(secretOf(step, "code_verifier"));
        const url = library.buildAuthorizationUrl(found, {
          redirect_uri: redirectUri,
          scope: scopeFor(found),
          state: step.handle,
          nonce: secretOf(step, "nonce"),
          code_challenge: challenge,
          code_challenge_method: "S256",
          ...(step.loginHint !== undefined && { login_hint: step.loginHint }),
          ...(maxAgeOf(step) !== undefined && { max_age: String(maxAgeOf(step)) }),
          // Its session may be younger than the request (OpenID Connect Core §3.1.2.1).
          ...((step.login || step.select) && { prompt: step.login ? "login" : "select_account" }),
        });
        return { outcome: "response", response: redirectTo(url) };
      }),

    callback: (request, step) =>
      attempt(async (found) => {
        const url = new URL(redirectUri);
        url.search = new URL(request.url).search;
        const tokens = await library.authorizationCodeGrant(found, url, {
          expectedState: step.handle,
          expectedNonce: secretOf(step, "nonce"),
          pkceCodeVerifier: secretOf(step, "code_verifier"),
        });
        const claims = tokens.claims();
        if (claims === undefined) return { outcome: "failed" };
        const { sub: subject } = claims;
        const received = { ...claims, ...(await userInfo(library, found, { token: tokens.access_token, subject })) };
        const profile = usableProfile(received);
        return { outcome: "person", person: { subject, authTime: authTimeOf(claims, step, clock), profile } };
      }),
  };
}

/** What `callback` must know of `signIn`, and nobody else may know: of this browser and this handle. */
function secretOf({ token }: SignInStep, purpose: "nonce" | "code_verifier"): string {
  return createHmac("sha256", token).update(`provider ${purpose}`).digest("base64url");
}

/** The person proves who they are now. Where the client asked how long ago they did, only the provider can say. */
function authTimeOf({ auth_time: authTime }: IDToken, step: SignInStep, clock: Clock): number {
  const [now, maxAge] = [clock(), maxAgeOf(step)];
  if (authTime !== undefined) return withinClockSkew(Math.floor(authTime), { now, maxAge });
  return maxAge === undefined ? now : 0;
}

/** What the client demands. For another account, the page of the provider is all that is needed. */
function maxAgeOf({ maxAge, select }: SignInStep): number | undefined {
  return select ? undefined : maxAge;
}

/** The clock of the provider may be ahead or behind. */
function withinClockSkew(
  authTime: number,
  { now, maxAge = now }: { now: number; maxAge?: number | undefined },
): number {
  const oldest = now - maxAge;
  const isJustBefore = authTime < oldest && authTime >= oldest - MAX_CLOCK_SKEW;
  return isJustBefore ? oldest : Math.min(authTime, now);
}

/** Of the clock of a provider, in seconds. */
const MAX_CLOCK_SKEW = 30;

function scopeFor(found: Configuration): string {
  const { scopes_supported: supported } = found.serverMetadata();
  return ["openid", ...["profile", "email"].filter((scope) => supported?.includes(scope) ?? true)].join(" ");
}

/** Many providers put the profile there alone. Rejects for another subject (OpenID Connect Core §5.3.2). */
async function userInfo(
  library: Library,
  found: Configuration,
  { token, subject }: { token: string; subject: string },
): Promise<Profile> {
  if (found.serverMetadata().userinfo_endpoint === undefined) return {};
  return library.fetchUserInfo(found, token, subject);
}
