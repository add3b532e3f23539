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
export { type BearerOptions, BearerRefusal, type ProtectedResource, type TokenVerifier } from "./middleware/bearer.ts";
export type { ExpectedToken, VerifierOptions, VerifierState };

export type Verifier<Schema extends ClaimsSchema = AnyClaims> = {
  /**
   * Returns the frozen claims of an access token, or rejects with a `MintmarkError`: `verifier_stale` while the verifier is
   * connecting, closed, or stale (unless `onStale` is `accept`). `await verifier.ready` first where a token can wait.
   */
  verify(token: unknown, expected?: ExpectedToken): Promise<Claims<z.output<Schema>>>;
  readonly state: VerifierState;
  /** Age of the revocation data, network delays included. Infinite before the first. */
  readonly age: Seconds;
  /**
   * Why the latest attempt to reach the service failed, or why all its tokens are refused: it signs with a secret that was
   * not given, or with keys although one was. Else `undefined`. The verifier retries in any case. Show it to an operator.
   */
  readonly failure: Error | undefined;
  /**
   * Resolves when the verifier is first live. Pending while the service cannot be reached. Rejects when the verifier is
   * closed before, and with {@link failure} where an operator must act: unknown credentials (`invalid_client`), or a client
   * without the permission `follow_events` (`permission_denied`). The verifier still retries; once it is live, `ready` is a
   * resolved promise.
   */
  readonly ready: Promise<void>;
  /** Calls back after every change of state. Returns the function that unsubscribes. */
  onStateChange(listener: (state: VerifierState) => void): () => void;
  /** Ends all work permanently: no timer and no connection is left. */
  close(): void;
  [Symbol.dispose](): void;
};

/**
 * Creates a verifier for the access tokens of one issuer. It verifies locally, and follows the feed of the service for keys
 * and revocations:
 *
 *     using verifier = createVerifier({ issuer: "https://tokens.example", audience: "https://orders.example" });
 *     await verifier.ready;
 *     const { sub } = await verifier.verify(token, { scope: "orders:read" });
 *
 * While it follows the feed, the open connection keeps the process alive. Without the service it goes on for `maxStaleness`
 * seconds, and reconnects for ever. With `secret` it verifies HS256 tokens and reads revocations alone from the feed. With
 * `follow: false` it caches the JWK Set as its `Cache-Control` says (10 s to a day, default 600 s), fetches it again before
 * that time, and is stale `maxStaleness` seconds after it.
 *
 * Throws a `StartError` for wrong options. Not checked: whether `sub` still exists, and who sent the token.
 */
export function createVerifier<Schema extends ClaimsSchema = AnyClaims>(
  options: VerifierOptions<Schema>,
): Verifier<Schema> {
  const { url } = checkVerifierOptions(options);
  const { issuer, audience, secret, credentials, clockTolerance, maxLifetime = 86_400 } = options;
  const { maxStaleness = 30, onStale = "reject", follow = true, clock = systemClock } = options;
  const monotonic = createMonotonicClock();
  const freshness = createFreshness(monotonic);
  const closing = new AbortController();
  const service: Service = {
    url,
    authorization: credentials && encodeBasic(credentials),
    fetch: options.fetch ?? globalThis.fetch,
    closing: closing.signal,
  };
  const sourceOptions = { service, freshness, maxStaleness, clock, monotonic };
  const published = follow
    ? createFeedSource(sourceOptions)
    : secret === undefined
      ? createJwksSource(sourceOptions)
      : createFixedSource(sourceOptions);
  const { failure, ...source } = withSecret(published, secret);
  const policy = { issuer, maxLifetime };

  function isStale(): boolean {
    const { state } = freshness;
    if (state !== "stale" || onStale === "reject") return state !== "live";
    void source.revive();
    return false;
  }

  const verify = createTokenVerifier({
    source: { ...source, isStale },
    policy: () => policy,
    claimsSchema: (options.claims ?? anyClaims) as Schema,
    clock,
    clockTolerance,
  });

  function close(): void {
    closing.abort();
    freshness.close();
  }

  return {
    verify: (token, expected = {}) => verify(token, { audience: expected.audience ?? audience, scope: expected.scope }),
    get state() {
      return freshness.state;
    },
    get age() {
      return freshness.age;
    },
    get failure() {
      return failure();
    },
    get ready() {
      void source.revive();
      return freshness.ready;
    },
    onStateChange: freshness.onStateChange,
    close,
    [Symbol.dispose]: close,
  };
}
