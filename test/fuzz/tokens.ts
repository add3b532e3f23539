import fc from "fast-check";
import { anyCharacter } from "../support/any-character.ts";
import { encode, type Forge, signSegments } from "../support/forge.ts";
import type { Random } from "../support/random.ts";
import { mutate } from "./mutate.ts";

/** A token signed by one of the keys, and that key. */
export type ForgedToken = { token: string; by: Forge };

type Realm = { keys: readonly Forge[]; issuer: string; now: () => number };

/** Verbatim JSON text, such as numbers that `JSON.stringify` does not write. */
const raw = (json: string) => `@raw(${json})`;
const RAW = /"@raw\(([^)]*)\)"/g;

const hostileText = fc.oneof(
  fc.string({ unit: anyCharacter, maxLength: 40 }),
  fc.constantFrom("", "\0", "\ud800", "a\nb", "é", "e\u0301", " ", "x".repeat(255), "x".repeat(256), "__proto__"),
);
const hostileNumber = fc.oneof(
  fc.constantFrom(0, -1, 0.5, 2 ** 53, 1e308, 8.64e15).map((number): number | string => number),
  fc.constantFrom("1e999", "-1e999", "-0", "1.0", "1E3", "9007199254740993", "1795540245000", "01", "0x1").map(raw),
);
const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  hostileNumber,
  fc.constantFrom(null, true, [], {}, [[]], [""], undefined),
  fc.jsonValue({ maxDepth: 3, stringUnit: anyCharacter }),
  fc.nat(40).map((depth) => raw(`${"[".repeat(depth)}${"]".repeat(depth)}`)),
);

/** Mostly usual values, some hostile. */
const mostly = (usual: fc.Arbitrary<unknown>, hostile = hostileValue) =>
  fc.oneof({ weight: 24, arbitrary: usual }, { weight: 1, arbitrary: hostile });

const names = fc.oneof(
  fc.constantFrom(
    ..."jwk jku x5u x5c x5t crit b64 zip cty enc epk p2c __proto__ constructor toJSON cnf act nonce status".split(" "),
  ),
  fc.constantFrom(..."role nbf scope sid email iss sub aud kid alg typ".split(" ")),
  hostileText,
);
const additions = fc.oneof(
  { weight: 12, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(fc.tuple(names, hostileValue), { minLength: 1, maxLength: 3 }) },
);

/** Other spellings of JSON text: white space, repeated members, text before or behind it. */
const spellings: fc.Arbitrary<(text: string) => string> = fc.oneof(
  { weight: 30, arbitrary: fc.constant((text: string) => text) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<(text: string) => string>(
      (text) => text.replace("{", "{ \n\t"),
      (text) => ` ${text}\r\n`,
      (text) => `\ufeff${text}`,
      (text) => `${text}x`,
      (text) => `${text}\0`,
      (text) => `[${text}]`,
      (text) => text.replace(/\{("\w+":[^,}]*)/, "{$1,$1"),
      (text) => text.replace(/\{"(\w)/, (_, letter: string) => `{"\\u00${letter.charCodeAt(0).toString(16)}`),
      (text) => text.slice(0, -1),
      (text) => text.replace("}", ',"x":}'),
    ),
  },
);

function textOf(members: Record<string, unknown>, more: readonly (readonly [unknown, unknown])[]): string {
  const all = [...Object.entries(members), ...more].filter(([, value]) => value !== undefined);
  const text = all.map(([name, value]) => `${JSON.stringify(String(name))}:${JSON.stringify(value)}`).join(",");
  return `{${text}}`.replace(RAW, "$1");
}

/** Properly signed tokens, of which about every third is valid. */
export function forgedTokens({ keys, issuer, now }: Realm): fc.Arbitrary<ForgedToken> {
  const near = fc.oneof(fc.constantFrom(0, 1, -1, 59, 60, 61, -900, 900), fc.integer({ min: -200_000, max: 200_000 }));
  const moment = (usual: number) =>
    fc
      .oneof({ weight: 8, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: near })
      .map((offset) => now() + offset);
  const jtis = fc.oneof(
    fc.constantFrom("3q2-7wAAAAAAAAAA", "AAAAAAAABgAAAAAAAAAAAAAA", "AAAAAAAAAgAAAAAAAAAAAAAA", "revoked"),
    fc.stringMatching(/^[A-Za-z0-9_-]{24}$/),
  );
  const claims = fc.record({
    iss: mostly(
      fc.constant(issuer),
      fc.oneof(hostileValue, fc.constantFrom(`${issuer}/`, [issuer], issuer.toUpperCase())),
    ),
    sub: mostly(fc.constantFrom("ada", "mallory", "日本", "x".repeat(255))),
    aud: mostly(
      fc.constantFrom(issuer, "orders", [issuer, "orders"]),
      fc.oneof(hostileValue, fc.array(hostileText, { maxLength: 18 })),
    ),
    iat: mostly(moment(0), hostileNumber),
    exp: mostly(moment(900), hostileNumber),
    nbf: mostly(fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: moment(0) })),
    jti: mostly(jtis),
    client_id: mostly(fc.constant("local")),
    scope: mostly(
      fc.constantFrom(undefined, "a", "a b", "orders:read a"),
      fc.oneof(hostileValue, fc.constantFrom("a  b", " a", 'a"')),
    ),
  });
  const headerBy = (by: Forge) =>
    fc.record({
      by: fc.constant(by),
      alg: mostly(
        fc.constant(by.alg),
        fc.oneof(hostileValue, fc.constantFrom("none", "NONE", "HS256", "es256", "ES256", "RS256")),
      ),
      typ: mostly(
        fc.constantFrom("at+jwt", "AT+JWT", "application/at+jwt"),
        fc.oneof(hostileValue, fc.constantFrom("JWT", "at+jwt ")),
      ),
      kid: mostly(fc.constant(by.kid), fc.oneof(hostileValue, fc.constantFrom(...keys.map(({ kid }) => kid)))),
    });
  const headers = fc.oneof(...keys.map((by) => ({ weight: isSlow(by) ? 1 : 4, arbitrary: headerBy(by) })));
  // Expired and future tokens.
  const shifts = fc.oneof({ weight: 7, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: near });
  const parts = { header: headers, inHeader: additions, claims, inClaims: additions };
  return fc
    .record({ ...parts, spellHeader: spellings, spellClaims: spellings, shift: shifts })
    .map(({ header: { by, ...header }, inHeader, claims: asOfNow, inClaims, spellHeader, spellClaims, shift }) => {
      const later = (moment: unknown) => (typeof moment === "number" ? moment + shift : moment);
      const claims = { ...asOfNow, iat: later(asOfNow.iat), exp: later(asOfNow.exp) };
      const segments = [spellHeader(textOf(header, inHeader)), spellClaims(textOf(claims, inClaims))];
      const [first = "", second = ""] = segments.map(encode);
      return { by, token: signSegments(by, first, second) };
    });
}

/** Whether a key takes about a millisecond to sign. */
export function isSlow({ alg }: Pick<Forge, "alg">): boolean {
  return alg !== "ES256" && alg !== "EdDSA" && alg !== "HS256";
}

/** Changes bytes of the header or the claims of a token, and signs it again. */
export function resigned({ token, by }: ForgedToken, random: Random, other: string): ForgedToken {
  const segments = token.split(".").slice(0, 2);
  const at = random.below(2);
  const bytes = Buffer.from(segments[at] ?? "", "base64url");
  const changed = mutate(bytes, random, Buffer.from(other.split(".")[at] ?? "", "base64url"));
  segments[at] = encode(changed);
  const [header = "", payload = ""] = segments;
  return { by, token: signSegments(by, header, payload) };
}

/** Changes a token as text, with bytes of another one, read as UTF-8. */
export function mutatedText(token: string, random: Random, other: string): string {
  return mutate(Buffer.from(token), random, Buffer.from(other)).toString();
}
