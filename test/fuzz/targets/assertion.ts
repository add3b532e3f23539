import fc from "fast-check";
import { verifyClientAssertion } from "../../../src/token/client-assertion.ts";
import { anyCharacter } from "../../support/any-character.ts";
import { encode, type Forge, signSegments } from "../../support/forge.ts";
import { ISSUER } from "../../support/service.ts";
import { keyOf } from "../keys.ts";
import { createSignedSet } from "../signed-set.ts";
import { readStrictly } from "../strict-json.ts";
import { type Outcome, type Target, Violation } from "../target.ts";
import { mutatedText, resigned } from "../tokens.ts";
import { NOW } from "./token.ts";

const CLIENT = "ci";
const KEYS = [keyOf("ES256"), keyOf("EdDSA")];
const byKid = new Map(KEYS.map((key) => [key.kid, key]));
const MOST_AHEAD = 60;
const LONGEST = 600 + MOST_AHEAD;

const anything = fc.oneof(
  fc.constantFrom<unknown>(
    "",
    " ",
    CLIENT.toUpperCase(),
    `${ISSUER}/`,
    [ISSUER],
    [CLIENT],
    null,
    true,
    {},
    "x".repeat(257),
  ),
  fc.constantFrom<unknown>(0, -1, 0.5, NOW, NOW + 60, NOW + 61, NOW + LONGEST, NOW + LONGEST + 1, 2 ** 53),
  fc.jsonValue({ maxDepth: 2, stringUnit: anyCharacter }),
);
const mostly = (usual: unknown) =>
  fc.oneof({ weight: 20, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: anything });
const claims = fc.record({
  iss: mostly(CLIENT),
  sub: mostly(CLIENT),
  aud: mostly(ISSUER),
  exp: mostly(NOW + 60),
  iat: mostly(NOW),
  nbf: mostly(undefined),
  jti: mostly("b7f0c2"),
  more: mostly(undefined),
});
const headers = fc.constantFrom(...KEYS).chain((by) =>
  fc.record({
    by: fc.constant(by),
    header: fc.record({
      alg: fc.oneof(
        { weight: 16, arbitrary: fc.constant<string>(by.alg) },
        fc.constantFrom("none", "HS256", "ES384", "Ed25519"),
      ),
      kid: fc.oneof(
        { weight: 16, arbitrary: fc.constant<unknown>(by.kid) },
        fc.constantFrom(...byKid.keys()),
        anything,
      ),
      typ: fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom<unknown>("JWT", undefined) },
        fc.constantFrom("at+jwt", "client-authentication+jwt"),
        anything,
      ),
      more: fc.oneof({ weight: 24, arbitrary: fc.constant<unknown>(undefined) }, anything),
    }),
  }),
);

type AssertionInput = { text: string; alg: Forge["alg"] };

const signed = createSignedSet();

function sign(text: string, by: Forge): AssertionInput {
  signed.add(text, by.alg);
  return { text, alg: by.alg };
}

/** Assertions of a client, compared with a second reading of RFC 7523 §3 that knows what was signed. */
export const assertionTarget: Target<AssertionInput> = {
  structured: fc
    .tuple(headers, claims)
    .map(([{ by, header }, payload]) => sign(signSegments(by, encode(header), encode(payload)), by)),

  mutate({ text, alg }, random, other) {
    const by = KEYS.find((key) => key.alg === alg);
    if (by !== undefined && random.chance(0.5))
      return sign(resigned({ token: text, by }, random, other.text).token, by);
    return { text: mutatedText(text, random, other.text), alg };
  },

  async examine({ text }): Promise<Outcome> {
    const keys = ({ alg, kid }: { alg: string; kid: string | undefined }) => {
      const found = byKid.get(kid ?? "");
      return found?.alg === alg ? (found.keyring.lookup(found.kid) ?? "unknown_key") : "unknown_key";
    };
    const outcome = await verifyClientAssertion(text, { keys, issuer: ISSUER, clientId: CLIENT, now: NOW });
    const isAccepted = outcome.outcome === "verified";
    if (isAccepted !== isGood(text)) throw new Violation(isAccepted ? "is accepted" : `is refused: ${outcome.reason}`);
    return { what: isAccepted ? "verified" : outcome.reason, isParsed: isAccepted || outcome.reason !== "malformed" };
  },
};

function isGood(text: string): boolean {
  const signer = signed.signerOf(text);
  const [header, payload] = text.split(".").map((segment) => readStrictly(Buffer.from(segment, "base64url")));
  if (signer === undefined || text.length > 8000 || header === undefined || payload === undefined) return false;
  const { alg, kid, typ = "JWT", ...rest } = header;
  if (Object.keys(rest).length > 0 || typeof kid !== "string" || byKid.get(kid)?.alg !== signer) return false;
  if (alg !== signer && !(alg === "Ed25519" && signer === "EdDSA")) return false;
  if (typeof typ !== "string" || !/^(application\/)?(jwt|client-authentication\+jwt)$/i.test(typ)) return false;
  const { iss, sub, aud, exp, iat = 0, nbf = 0, jti } = payload;
  if (iss !== CLIENT || sub !== CLIENT || aud !== ISSUER) return false;
  if (typeof jti !== "string" || !/^[\x21-\x7e]{1,256}$/.test(jti)) return false;
  if (![exp, iat, nbf].every((time) => typeof time === "number" && time >= 0)) return false;
  return Number(exp) > NOW && Number(exp) <= NOW + LONGEST && Math.max(Number(iat), Number(nbf)) <= NOW + MOST_AHEAD;
}
