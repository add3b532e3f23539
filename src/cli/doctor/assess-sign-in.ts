import { z } from "zod";
import type { Answer } from "./assess-server.ts";
import { type Finding, failure, ok, splitSentence } from "./finding.ts";

const metadata = z.object({ issuer: z.string().max(500), authorization_endpoint: z.string() });

export type SignInEvidence = {
  /** The issuer of the OpenID provider. */
  issuer: string;
  /** The answer of its `/.well-known/openid-configuration`. */
  answer: Answer;
  /** The redirect URI that this service has at the provider. */
  redirectUri: string;
};

/** Assesses the OpenID provider at which people sign in. Not checked: the client id and secret. */
export function assessSignIn({ issuer, answer, redirectUri }: SignInEvidence): Finding {
  const check = "check MINTMARK_SIGN_IN_ISSUER";
  if (answer.fault !== undefined) return failure("sign-in", ...splitSentence(answer.fault, check));
  const { data } = metadata.safeParse(parse(answer.body));
  if (answer.status !== 200 || data === undefined)
    return failure("sign-in", `${issuer} serves no metadata of an OpenID provider (status ${answer.status})`, check);
  if (!isSame(data.issuer, issuer))
    return failure("sign-in", `The provider at ${issuer} has another issuer, ${data.issuer}`, check);
  return ok("sign-in", `People sign in at ${issuer}, where the client must have the redirect URI ${redirectUri}`);
}

function isSame(one: string, other: string): boolean {
  return one.replace(/\/$/, "") === other.replace(/\/$/, "");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
