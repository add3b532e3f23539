import { validateHeaderValue } from "node:http";
import fc from "fast-check";
import { catalogue } from "../../../src/errors.ts";
import { createAuthenticate } from "../../../src/verifier/middleware/bearer.ts";
import { BearerRefusal, refusalHeaders, refusalParts } from "../../../src/verifier/middleware/refusal.ts";
import { anyCharacter } from "../../support/any-character.ts";
import { ISSUER } from "../../support/service.ts";
import { keyOf } from "../keys.ts";
import { createSignedSet } from "../signed-set.ts";
import { type Outcome, type Target, Violation } from "../target.ts";
import { forgedTokens, mutatedText } from "../tokens.ts";
import { createFuzzVerifier, NOW } from "./token.ts";

const signedTokens = createSignedSet();
const schemes = fc.constantFrom(
  ...["Bearer ", "bearer  ", "BEARER ", "Bearer", "Basic ", "Bearer\t", ", Bearer ", "DPoP ", "Bearer x, Bearer "],
);
const headers = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(schemes, forgedTokens({ keys: [keyOf("ES256"), keyOf("EdDSA")], issuer: ISSUER, now: () => NOW }))
      .map(([scheme, { token, by }]) => {
        signedTokens.add(token, by.alg);
        return `${scheme}${token}`;
      }),
  },
  { weight: 1, arbitrary: fc.string({ unit: anyCharacter, maxLength: 60 }) },
);

const authenticate = createAuthenticate({ verify: createFuzzVerifier() as never }, {});
const authenticateWithScope = createAuthenticate(
  { verify: (token, expected = {}) => createdOnce(token, { ...expected, audience: ISSUER }) },
  { scope: "a", realm: "fuzz" },
);
const createdOnce = createFuzzVerifier();

/** `Authorization` as all middleware reads it, and its answer. */
export const bearerTarget: Target<{ values: string[] }> = {
  structured: fc.record({
    values: fc.oneof({ weight: 12, arbitrary: headers.map((value) => [value]) }, fc.array(headers, { maxLength: 2 })),
  }),

  mutate: ({ values: [value = "", ...rest] }, random, other) => ({
    values: [mutatedText(value, random, other.values[0] ?? ""), ...rest],
  }),

  async examine({ values }): Promise<Outcome> {
    const request = { headers: { authorization: values.length > 1 ? values : values[0] } };
    const outcomes = await Promise.all([authenticate(request), authenticateWithScope(request)]);
    const whats = outcomes.map((outcome) =>
      outcome instanceof BearerRefusal ? expectSound(outcome, values) : "accepted",
    );
    const signer = signedTokens.signerOf(/[\w-]+\.[\w-]+\.[\w-]+/.exec(values.join())?.[0] ?? "");
    if (whats.includes("accepted") && signer === undefined) throw new Violation("accepted what nobody signed");
    return { what: whats.join(", with scope "), isParsed: whats[0] !== "401" && whats[0] !== "malformed_request" };
  },
};

/** A refusal is in the catalogue, can be sent, is no 5xx, and quotes nothing. */
function expectSound(refusal: BearerRefusal, values: readonly string[]): string {
  const { status, body } = refusalParts(refusal);
  if (status !== 400 && status !== 401 && status !== 403) throw new Violation(`answered ${status}`);
  for (const [name, value] of Object.entries(refusalHeaders(refusal))) validateHeaderValue(name, value);
  const { reason, error } = JSON.parse(body) as { reason: string; error?: string };
  if (!(reason in catalogue)) throw new Violation(`gave a reason that is not in the catalogue: ${reason}`);
  const tail = values.join().slice(-14);
  if (tail.length === 14 && `${body}${JSON.stringify(refusalHeaders(refusal))}`.includes(tail))
    throw new Violation("quotes the credentials");
  return error === undefined ? "401" : reason;
}
