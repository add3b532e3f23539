import { z } from "zod";
import { MintmarkError } from "../errors.ts";
import type { JwkSet } from "../keys/keyring.ts";
import { localCaller } from "../service/access/caller.ts";
import { createTokenService } from "../service/service.ts";
import { hashOf } from "../service/tokens/grant.ts";
import type { IssuedToken } from "../service/tokens/issue.ts";
import { openMemoryStore } from "../store/memory/memory.ts";
import { type Seconds, systemClock } from "../time.ts";
import { checkOptions, type OptionSchemas } from "../token/check-options.ts";
import type { AnyClaims, ClaimsSchema } from "../token/claims.ts";
import type { Verifier, VerifierState } from "../verifier/verifier.ts";

export type TestIssuerOptions<Schema extends ClaimsSchema> = {
  /** The `iss` of its tokens. Default `https://issuer.test`. */
  issuer?: string;
  /** The `aud` of its tokens unless a token names another, and the audience of the verifier. Default: the issuer. */
  audience?: string;
  /** Schema of the custom claims, as in production. Default: any JSON object. */
  claims?: Schema;
  /** Where the clock stands. Default: the time of the call. */
  now?: Seconds;
};

/** What a token contains. Default: a token of 900 s for the subject `test`, without scope and custom claims. */
export type TestTokenOptions<Custom> = {
  subject?: string;
  /** The `client_id`. Default `local`. */
  clientId?: string;
  audience?: string | string[];
  scope?: string;
  claims?: Custom;
  /** Lifetime, at most 86,400. */
  expiresIn?: Seconds;
};

/** What to revoke: a token, or all tokens issued so far to a subject, to a client, or in a grant. */
export type TestRevocation = { token: string } | { subject: string } | { clientId: string } | { refreshToken: string };

export type TestIssuer<Schema extends ClaimsSchema = AnyClaims> = {
  readonly issuer: string;
  /** Issues an access token. Rejects with `invalid_request` for claims that the schema refuses. */
  token(options?: TestTokenOptions<z.input<Schema>>): Promise<string>;
  /** Issues an access token with a refresh token. */
  grant(options?: TestTokenOptions<z.input<Schema>>): Promise<IssuedToken & { refreshToken: string }>;
  /** Issues the next access token of a grant, and the next refresh token. */
  refresh(refreshToken: string): Promise<IssuedToken & { refreshToken: string }>;
  /** The verifier refuses the tokens concerned from when the promise resolves. */
  revoke(revocation: TestRevocation): Promise<void>;
  /** Give it to `trpcAuth`, `bearerAuth` and the other middleware where production has that of `createVerifier`. */
  readonly verifier: Verifier<Schema>;
  /** Makes the verifier `stale`, as without a connection to the service for too long, or `live` again. */
  setState(state: Exclude<VerifierState, "closed">): void;
  /** The public keys (RFC 7517), for a library that verifies by a JWK Set. */
  jwks(): JwkSet;
  /** Unix seconds of the clock of issuer and verifier. It stands still. */
  now(): Seconds;
  /** Moves the clock forward. */
  advance(seconds: Seconds): void;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

const moment = "must be a whole number of seconds since 1970";

/** The service checks the others. */
const schemas: OptionSchemas<TestIssuerOptions<ClaimsSchema>> = {
  issuer: z.unknown().optional(),
  audience: z.unknown().optional(),
  claims: z.unknown().optional(),
  now: z.int(moment).nonnegative(moment).optional(),
};

/**
 * Creates an issuer and its verifier for tests, in memory: no port, no file, no network, and a clock that stands still. It is
 * the service itself on a store in memory, so its tokens, refusals and revocations are those of production:
 *
 *     const issuer = await createTestIssuer({ claims: z.object({ role: z.string() }) });
 *     const token = await issuer.token({ subject: "ada", claims: { role: "writer" } });
 *     const auth = trpcAuth(issuer.verifier);
 *     await issuer.revoke({ token });
 *
 * Throws a `StartError` for invalid options. Not checked: permissions, rate limits.
 */
export async function createTestIssuer<Schema extends ClaimsSchema = AnyClaims>(
  options: TestIssuerOptions<Schema> = {},
): Promise<TestIssuer<Schema>> {
  checkOptions("createTestIssuer", schemas, options);
  const { issuer = "https://issuer.test", audience = issuer, claims } = options;
  let now = options.now ?? systemClock();
  const store = openMemoryStore();
  const service = await createTokenService({
    issuer,
    audience,
    ...(claims !== undefined && { claims }),
    store,
    clock: () => now,
  });

  const issue = (
    { clientId = localCaller.clientId, ...token }: TestTokenOptions<z.input<Schema>>,
    refreshable: boolean,
  ) =>
    service.getToken(
      { ...localCaller, clientId },
      { subject: "test", ...token, claims: token.claims ?? ({} as z.input<Schema>), refreshable },
    );

  const granted = (issued: IssuedToken) => ({ ...issued, refreshToken: issued.refreshToken ?? "" });

  const { verifier, setState } = createTestVerifier<Schema>((token, expected) => {
    const { audience: expectedAudience = audience, scope } = expected;
    return service.verifyToken({ token: token as string, audience: expectedAudience as string | string[], scope });
  });

  async function close(): Promise<void> {
    verifier.close();
    await service.close();
  }

  return {
    issuer,
    token: async (token = {}) => (await issue(token, false)).token,
    grant: async (token = {}) => granted(await issue(token, true)),
    async refresh(refreshToken) {
      const { clientId = localCaller.clientId } = (await store.findGrant(hashOf(refreshToken))) ?? {};
      return granted(await service.refreshToken({ ...localCaller, clientId }, { refreshToken }));
    },
    async revoke(revocation) {
      if ("token" in revocation) await service.revokeToken(localCaller, revocation.token);
      else if ("refreshToken" in revocation) await service.revokeToken(localCaller, revocation.refreshToken);
      else if ("subject" in revocation)
        await service.revokeAll(localCaller, { kind: "subject", id: revocation.subject });
      else await service.revokeAll(localCaller, { kind: "client", id: revocation.clientId });
    },
    verifier,
    setState,
    jwks: service.jwks,
    now: () => now,
    advance(seconds) {
      now += seconds;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

type Verify<Schema extends ClaimsSchema> = Verifier<Schema>["verify"];

/** A verifier without a connection, whose state the test sets. */
function createTestVerifier<Schema extends ClaimsSchema>(
  verifyLive: (...parameters: Required<Parameters<Verify<Schema>>>) => ReturnType<Verify<Schema>>,
) {
  let state: VerifierState = "live";
  const listeners = new Set<(state: VerifierState) => void>();
  function change(next: VerifierState): void {
    if (state === next || state === "closed") return;
    state = next;
    for (const listener of listeners) listener(next);
  }
  const close = () => change("closed");
  const verifier: Verifier<Schema> = {
    verify: async (token, expected = {}) => {
      if (state !== "live") throw new MintmarkError("verifier_stale");
      return verifyLive(token, expected);
    },
    get state() {
      return state;
    },
    get age() {
      return state === "live" ? 0 : Number.POSITIVE_INFINITY;
    },
    failure: undefined,
    ready: Promise.resolve(),
    onStateChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close,
    [Symbol.dispose]: close,
  };
  return { verifier, setState: (next: VerifierState) => change(next) };
}
