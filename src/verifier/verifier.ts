import type { z } from "zod";
import { createMonotonicClock } from "../async/monotonic-clock.ts";
import type { Seconds } from "../time.ts";
import { systemClock } from "../time.ts";
import { type AnyClaims, anyClaims, type Claims, type ClaimsSchema } from "../token/claims.ts";
import { encodeBasic } from "../token/client-secret-basic.ts";
import { checkVerifierOptions, type VerifierOptions } from "./options.ts";
import { createFixedSource, withSecret } from "./shared-secret.ts";
import { createFeedSource } from "./source/feed-source.ts";
import { createFreshness, type VerifierState } from "./source/freshness.ts";
import type { Service } from "./source/http-client.ts";
import { createJwksSource } from "./source/jwks-source.ts";
import { createTokenVerifier, type ExpectedToken } from "./token-verifier.ts";

export { MintmarkError, type Reason, StartError } from "../errors.ts";
export type { Claims, ClaimsSchema } from "../token/claims.ts";
export { type BearerOptions, BearerRefusal, type TokenVerifier } from "./middleware/bearer.ts";
export type { ExpectedToken, VerifierOptions, VerifierState };

export type Verifier<Schema extends ClaimsSchema = AnyClaims> = {
  /**
   * Gives the claims of an access token, frozen, or rejects with a `MintmarkError`. Its reason is
   * `verifier_stale` where it cannot be known whether the token counts: while connecting, stale (unless
   * `onStale` says otherwise) or closed. `await verifier.ready` first where a token can wait.
   */
  verify(token: unknown, expected?: ExpectedToken): Promise<Claims<z.output<Schema>>>;
  readonly state: VerifierState;
  /** How old what is known is, in seconds, delays on the way included. Infinite while nothing is known. */
  readonly age: Seconds;
  /**
   * Why nothing new comes from the service, or why all its tokens are refused: it signs with a secret that was not given, or
   * with keys though one was. Else `undefined`. It is tried again whatever this is: show it to an operator.
   */
  readonly failure: Error | undefined;
  /**
   * Resolves when the verifier is live for the first time. Rejects where it is closed before, and with {@link failure} where
   * the service says that it will refuse until somebody acts: it does not know the credentials (`invalid_client`), or the
   * client lacks the permission `follow_events` (`permission_denied`). The verifier tries again all the same, and this
   * resolves once it is live. While the service cannot be reached it is pending.
   */
  readonly ready: Promise<void>;
  /** Calls back after every change of state. Gives the verb that ends it. */
  onStateChange(listener: (state: VerifierState) => void): () => void;
  /** Ends all work: no timer and no connection is left. A verifier that is closed stays closed. */
  close(): void;
  [Symbol.dispose](): void;
};

/**
 * Makes a verifier of the access tokens of one issuer. It verifies them by itself, and follows the feed
 * of the service to know the keys and what has been revoked:
 *
 *     using verifier = createVerifier({ issuer: "https://tokens.example", audience: "https://orders.example" });
 *     await verifier.ready;
 *     const { sub } = await verifier.verify(token, { scope: "orders:read" });
 *
 * One that follows the feed keeps its process alive until it is closed, as any open connection does.
 * Loses it the service, it goes on for `maxStaleness` seconds and tries to reach it again for ever.
 * With `secret` it verifies the tokens of a service that signs by HS256, and follows the feed for revocations alone.
 * With `follow: false` the JWK Set is kept for as long as its `Cache-Control` says (10 s to a day, 600 s
 * where it does not), fetched anew ahead of that time, and stale `maxStaleness` seconds after it.
 *
 * Throws a `StartError` for options that are wrong. Not checked: whether `sub` still exists, and who sent the token.
 */
export function createVerifier<Schema extends ClaimsSchema = AnyClaims>(
  options: VerifierOptions<Schema>,
): Verifier<Schema> {
  const { url } = checkVerifierOptions(options);
  const { issuer, audience, secret, credentials, clockTolerance, maxLifetime = 86_400 } = options;
  const { maxStaleness = 30, onStale = "reject", follow = true, clock = systemClock } = options;
  const monotonic = createMonotonicClock();
  const status = createFreshness(monotonic);
  const closing = new AbortController();
  const service: Service = {
    url,
    authorization: credentials && encodeBasic(credentials),
    fetch: options.fetch ?? globalThis.fetch,
    closing: closing.signal,
  };
  const following = { service, status, maxStaleness, clock, monotonic };
  const followed = follow
    ? createFeedSource(following)
    : secret === undefined
      ? createJwksSource(following)
      : createFixedSource(following);
  const { failure, ...source } = withSecret(followed, secret);
  const policy = { issuer, maxLifetime };
  const isUsable = (state: VerifierState) => state === "live" || (state === "stale" && onStale === "accept");
  const verify = createTokenVerifier({
    source: { ...source, isStale: () => !isUsable(status.state) },
    policy: () => policy,
    claimsSchema: (options.claims ?? anyClaims) as Schema,
    clock,
    clockTolerance,
  });

  function close(): void {
    closing.abort();
    status.close();
  }

  return {
    verify: (token, expected = {}) => verify(token, { audience: expected.audience ?? audience, scope: expected.scope }),
    get state() {
      return status.state;
    },
    get age() {
      return status.age;
    },
    get failure() {
      return failure();
    },
    get ready() {
      return status.ready;
    },
    onStateChange: status.onStateChange,
    close,
    [Symbol.dispose]: close,
  };
}
