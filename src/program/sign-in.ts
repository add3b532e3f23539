import { createApplicationSignIn } from "../oauth/sign-in/application.ts";
import { createProviderSignIn } from "../oauth/sign-in/provider.ts";
import type { SignInMethod } from "../oauth/sign-in-method.ts";
import { systemClock } from "../time.ts";
import type { OpenOptions } from "./compose.ts";
import type { Config } from "./config.ts";

export type SignInOptions = { ownIssuer: string; onError: NonNullable<OpenOptions["onError"]> };

/** The configured way in which people sign in. Loads the client of OpenID providers only where it is needed. */
export async function openSignIn(
  { signIn }: Pick<Config, "signIn">,
  { ownIssuer, onError }: SignInOptions,
): Promise<SignInMethod | undefined> {
  if (signIn === undefined) return undefined;
  if ("url" in signIn) return createApplicationSignIn(signIn.url);
  return createProviderSignIn({ ...signIn.provider, ownIssuer, clock: systemClock, onFailure: onError });
}
