import { z } from "zod";
import { StartError } from "../../errors.ts";
import { createDevelopmentSignIn, type DevelopmentSignIn } from "../../oauth/development-sign-in.ts";
import { methodOfHook, type SignInHook } from "../../oauth/sign-in-hook.ts";
import type { SignInMethod } from "../../oauth/sign-in-method.ts";
import type { ClaimsSchema } from "../../token/claims.ts";
import { skeletonOf } from "../pages/skeleton.ts";

export type SignInMethodOptions<Schema extends ClaimsSchema> = {
  /** The `signIn` option. */
  given: SignInHook<Schema> | SignInMethod | undefined;
  claims: ClaimsSchema;
  open: boolean;
  /** Whether tokens are signed by key pairs. */
  hasKeyPairs: boolean;
  /** Whether the browser keeps cookies for the issuer safely. */
  hasCookies: boolean;
};

/**
 * How people sign in: by the option; where access is open, by the page of development; else not at all. Throws a
 * {@link StartError} for an option that cannot work.
 */
export function signInMethodFor<Schema extends ClaimsSchema>(
  options: SignInMethodOptions<Schema>,
): SignInMethod | DevelopmentSignIn | undefined {
  const { given, claims, open, hasKeyPairs, hasCookies } = options;
  if (given === undefined)
    return open && hasKeyPairs && hasCookies ? createDevelopmentSignIn(() => firstClaims(claims)) : undefined;
  if (!hasKeyPairs) throw new StartError("signIn needs key pairs: others cannot verify tokens of a shared secret");
  if (!hasCookies) throw new StartError("signIn needs an issuer that is https, or loopback: others can read cookies");
  return typeof given === "function" ? methodOfHook(given) : given;
}

/** Claims to start from: none, or those that the schema requires. */
function firstClaims(claims: ClaimsSchema): string {
  const isOptional = z.safeParse(claims, {}).success;
  const schema = z.toJSONSchema(claims, { io: "input", unrepresentable: "any" });
  return JSON.stringify(isOptional ? {} : skeletonOf(schema));
}
