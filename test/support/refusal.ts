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
  const found = leaks(error, token);
  // Thousands of tokens pass here, and an expectation that holds takes as long as the refusal.
  if (error.reason !== reason || found.length > 0) expect([error.reason, found], what).toEqual([reason, []]);
}

/** The error of a rejected promise. Fails if it was not rejected. */
export async function failureOf(promise: Promise<unknown>, what = ""): Promise<unknown> {
  const outcome = await promise.then(
    () => ({ resolved: true }) as const,
    (error: unknown) => ({ resolved: false, error }) as const,
  );
  if (outcome.resolved) expect.fail(`was let through ${what}`);
  return outcome.resolved ? undefined : outcome.error;
}

const PIECE = 12;
const MAX_PIECES = 60;

/** The pieces of a secret in an error, however it is serialised. */
export function leaks(error: Error, secret: unknown): string[] {
  const text = textOf(error) + JSON.stringify(error);
  return piecesOf(secret).filter((piece) => text.includes(piece));
}

/** The message, the stack, every property and every cause. */
function textOf(error: Error): string {
  const values = Reflect.ownKeys(error).map((name) => Reflect.get(error, name));
  const isFlat = values.every((value) => ["string", "number", "boolean", "undefined"].includes(typeof value));
  return isFlat ? values.join("\n") : inspect(error, { depth: null, showHidden: true });
}

function piecesOf(secret: unknown): string[] {
  const text = typeof secret === "string" ? secret : (JSON.stringify(secret) ?? "");
  const count = Math.min(MAX_PIECES, Math.floor(text.length / PIECE));
  return Array.from({ length: count }, (_, index) => text.slice(index * PIECE, (index + 1) * PIECE));
}
