import { inspect } from "node:util";
import { expect } from "vitest";
import { MintmarkError, type Reason } from "../../src/errors.ts";
import { type AnyClaims, anyClaims } from "../../src/token/claims.ts";
import type { KeyLookup } from "../../src/token/jws.ts";
import { type VerifyOptions, verifyAccessToken } from "../../src/token/verify.ts";
import type { Forge } from "./forge.ts";
import { ISSUER, NOW } from "./service.ts";

type Options = Partial<VerifyOptions<AnyClaims>>;

/** The expected reason, and a name of the token for a failure. */
type Expectation = { reason?: Reason; what?: string };

export const MAX_LIFETIME = 86400;

/** Verifies by the keys of a forge, with the clock stopped at `NOW`. */
export function verify(token: unknown, by: Pick<Forge, "keyring">, options: Options = {}) {
  return verifyBy(token, by.keyring.lookup, options);
}

export function verifyBy(token: unknown, lookup: KeyLookup, options: Options = {}) {
  const usual = { issuer: ISSUER, audience: ISSUER, claimsSchema: anyClaims, now: NOW, maxLifetime: MAX_LIFETIME };
  return verifyAccessToken(token, lookup, { ...usual, ...options });
}

/** Expects a refusal that contains no part of the token. */
export async function expectRefused(
  token: unknown,
  by: Pick<Forge, "keyring">,
  { reason = "invalid_token", what = by.keyring.signing.alg, ...options }: Options & Expectation = {},
): Promise<void> {
  const error = await failureOf(verify(token, by, options), what);
  if (!(error instanceof MintmarkError)) throw error;
  expect(error.reason, what).toBe(reason);
  expect(leaks(error, token), what).toEqual([]);
}

/** The error of a rejected promise. Fails if it was not rejected. */
export async function failureOf(promise: Promise<unknown>, what = ""): Promise<unknown> {
  const outcome = await promise.then(
    () => ({ resolved: true }) as const,
    (error: unknown) => ({ resolved: false, error }) as const,
  );
  expect(outcome.resolved, `was let through ${what}`).toBe(false);
  return outcome.resolved ? undefined : outcome.error;
}

const PIECE = 12;
const MAX_PIECES = 60;

/** The pieces of a secret in an error, however it is serialised. */
export function leaks(error: Error, secret: unknown): string[] {
  // `inspect` gives the message, the stack and every cause.
  const text = inspect(error, { depth: null, showHidden: true }) + JSON.stringify(error);
  return piecesOf(secret).filter((piece) => text.includes(piece));
}

function piecesOf(secret: unknown): string[] {
  const text = typeof secret === "string" ? secret : (JSON.stringify(secret) ?? "");
  const count = Math.min(MAX_PIECES, Math.floor(text.length / PIECE));
  return Array.from({ length: count }, (_, index) => text.slice(index * PIECE, (index + 1) * PIECE));
}
