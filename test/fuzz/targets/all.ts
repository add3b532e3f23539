import type { Target } from "../target.ts";
import { assertionTarget } from "./assertion.ts";
import { authorizationTarget } from "./authorization.ts";
import { bearerTarget } from "./bearer.ts";
import { cookiesTarget } from "./cookies.ts";
import { feedTarget, jwksTarget } from "./feed.ts";
import { formTarget } from "./form.ts";
import { jsonTarget } from "./json.ts";
import { jwkTarget, pairTarget } from "./keys.ts";
import { optionsTarget } from "./options.ts";
import { tokenTarget } from "./token.ts";
import { verifierTarget } from "./verifier.ts";

type AnyTarget = { target: Target<unknown>; share: number };

/** The targets in this process, and the share of inputs of each. */
export const targets: Readonly<Record<string, AnyTarget>> = {
  token: { target: tokenTarget() as Target<unknown>, share: 0.33 },
  assertion: { target: assertionTarget as Target<unknown>, share: 0.03 },
  json: { target: jsonTarget as Target<unknown>, share: 0.15 },
  form: { target: formTarget as Target<unknown>, share: 0.04 },
  authorization: { target: authorizationTarget as Target<unknown>, share: 0.05 },
  cookies: { target: cookiesTarget as Target<unknown>, share: 0.02 },
  bearer: { target: bearerTarget as Target<unknown>, share: 0.06 },
  jwk: { target: jwkTarget as Target<unknown>, share: 0.05 },
  pair: { target: pairTarget as Target<unknown>, share: 0.005 },
  jwks: { target: jwksTarget as Target<unknown>, share: 0.02 },
  feed: { target: feedTarget as Target<unknown>, share: 0.01 },
  verifier: { target: verifierTarget as Target<unknown>, share: 0.005 },
  options: { target: optionsTarget as Target<unknown>, share: 0.01 },
};

/** The share of the server. */
export const HTTP_SHARE = 0.22;
