import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MintmarkError } from "../../src/errors.ts";
import { anyClaims, type Claims, RESERVED_CLAIMS } from "../../src/token/claims.ts";
import { parseJsonObject } from "../../src/token/json.ts";
import { signAccessToken } from "../../src/token/sign.ts";
import { anyCharacter } from "../support/any-character.ts";
import { type Forge, forge, goodClaims, openForges } from "../support/forge.ts";
import { MAX_LIFETIME, verify } from "../support/refusal.ts";

const forges = await openForges();

/** RSA is slow. */
const RUNS: Record<string, number> = { RS256: 10, PS256: 10 };

const FORBIDDEN = /"(?:__proto__|constructor|prototype|toJSON)":/;

const text = (options: fc.StringConstraints) => fc.string({ unit: anyCharacter, ...options });
const identifiers = text({ minLength: 1, maxLength: 100 }).filter((value) => !/\p{Cc}/u.test(value));
const scopes = fc
  .array(fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]{1,12}$/), { minLength: 1, maxLength: 8 })
  .map((tokens) => tokens.join(" "));
/** Numbers above 2^53 - 1 are refused: generated ones are reduced. */
const withinBounds = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_, part) => (typeof part === "number" ? part % Number.MAX_SAFE_INTEGER : part));
const jsonValues = fc.jsonValue({ maxDepth: 6, stringUnit: anyCharacter }).map(withinBounds);
const customClaims = fc
  .dictionary(
    text({ maxLength: 20 }).filter((name) => !RESERVED_CLAIMS.has(name)),
    jsonValues,
    { maxKeys: 6, noNullPrototype: true },
  )
  .filter((claims) => !FORBIDDEN.test(JSON.stringify(claims)) && Buffer.byteLength(JSON.stringify(claims)) < 4000);

describe("a signed token", () => {
  for (const by of forges.all) {
    test(`verifyAccessToken returns the claims that signAccessToken signed (${by.alg})`, async () => {
      const options = { key: by.keyring.signing, claimsSchema: anyClaims, maxLifetime: MAX_LIFETIME };
      await fc.assert(
        fc.asyncProperty(customClaims, identifiers, scopes, async (custom, sub, scope) => {
          const claims = { ...custom, ...goodClaims({ sub, scope }) } as Claims<Record<string, unknown>>;
          const token = await signAccessToken(claims, options);
          expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
          // Through JSON, which has no negative zero.
          expect(await verify(token, by)).toEqual(JSON.parse(JSON.stringify(claims)));
        }),
        { numRuns: RUNS[by.alg] ?? 40 },
      );
    });
  }
});

describe("a token with one character changed, added or removed", () => {
  const { all, es256 } = forges;

  test("verifyAccessToken refuses it, for every character and position (ES256)", async () => {
    await expectAllRefused(es256, [..."AQz7-_=+. \n\0é\u200b😀"]);
  });

  for (const by of all.filter((by) => by !== es256)) {
    test(`verifyAccessToken refuses it, for every position (${by.alg})`, async () => {
      await expectAllRefused(by, ["k"]);
    });
  }
});

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Tries each character at and between all positions, and the character whose value differs by one bit. */
async function expectAllRefused(by: Forge, characters: readonly string[]): Promise<void> {
  const token = forge(by);
  for (let at = 0; at <= token.length; at += 1) {
    const [before, here, after] = [token.slice(0, at), token.charAt(at), token.slice(at + 1)];
    const added = characters.map((character) => before + character + here + after);
    const oneBitAway = here === "." ? "-" : ALPHABET.charAt(ALPHABET.indexOf(here) ^ 1);
    const changed = ["", oneBitAway, ...characters].filter((it) => it !== here).map((it) => before + it + after);
    const others = at < token.length ? [...added, ...changed] : added;
    const outcomes = await Promise.all(others.map((other) => outcomeOf(other, by)));
    expect(outcomes.filter((outcome) => outcome !== "invalid_token")).toEqual([]);
  }
}

function outcomeOf(token: string, by: Forge): Promise<unknown> {
  return verify(token, by).then(
    () => `accepted ${token}`,
    (error: unknown) => (error instanceof MintmarkError ? error.reason : error),
  );
}

describe("parseJsonObject", () => {
  const scraps = [
    '{"a":1}',
    '{"sub":"x"',
    "[",
    "]",
    "{",
    "}",
    '"',
    "\\",
    ":",
    ",",
    "\\u00",
    "1e9",
    "-",
    "null",
    "\ufeff",
    " ",
    "\0",
  ];

  test("parseJsonObject never throws, and returns an object or undefined", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .array(fc.oneof(fc.constantFrom(...scraps), fc.json()), { maxLength: 12 })
        .map((parts) => Buffer.from(parts.join(""))),
      fc.tuple(fc.json(), fc.nat(), fc.nat(255)).map(([json, at, byte]) => {
        const damaged = Buffer.from(json);
        damaged[at % damaged.length] = byte;
        return damaged;
      }),
    );
    fc.assert(
      fc.property(bytes, (input) => {
        const value = parseJsonObject(input);
        if (value !== undefined) expect(value).toEqual(JSON.parse(Buffer.from(input).toString("utf8")));
      }),
      { numRuns: 1000 },
    );
  });

  test("parseJsonObject parses every spelling of an object without duplicate names", () => {
    fc.assert(
      fc.property(customClaims, fc.infiniteStream(fc.nat(3)), (claims, choices) => {
        const spelling = spell(claims, () => choices.next().value ?? 0);
        expect(parseJsonObject(Buffer.from(spelling))).toEqual(JSON.parse(JSON.stringify(claims)));
      }),
      { numRuns: 300 },
    );
  });

  test("parseJsonObject refuses every object with a duplicate name, in any spelling", () => {
    const objects = fc.tuple(customClaims, fc.string({ unit: anyCharacter, maxLength: 5 }), fc.nat(5));
    fc.assert(
      fc.property(objects, fc.infiniteStream(fc.nat(3)), ([claims, name, depth], choices) => {
        const choose = () => choices.next().value ?? 0;
        const fields = Object.entries({ ...claims, [name]: 1 }).map((entry) => spellMember(entry, choose));
        const twice = `{${[spellMember([name, 2], choose), ...fields].join(",")}}`;
        const nested = `${'[{"a":'.repeat(depth)}${twice}${"}]".repeat(depth)}`;
        expect(parseJsonObject(Buffer.from(twice))).toBeUndefined();
        expect(parseJsonObject(Buffer.from(`{"x":${nested},"y":{}}`))).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});

const GAPS = ["", " ", "\r\n", "\t"];

/** JSON text of a value, with random spaces and escapes. */
function spell(value: unknown, choose: () => number): string {
  if (Array.isArray(value)) return `[${value.map((item) => spell(item, choose)).join(` ,${GAPS[choose()]}`)}]`;
  if (typeof value === "string") return spellText(value, choose);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${GAPS[choose()]}${Object.entries(value)
    .map((entry) => spellMember(entry, choose))
    .join(",")}${GAPS[choose()]}}`;
}

function spellMember([name, value]: [string, unknown], choose: () => number): string {
  return `${spellText(name, choose)}${GAPS[choose()]}:${GAPS[choose()]}${spell(value, choose)}`;
}

function spellText(value: string, choose: () => number): string {
  const units = value.split("");
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const spelled = units.map((unit) =>
    choose() === 0 || /[\ud800-\udfff]/.test(unit) ? escaped(unit) : JSON.stringify(unit).slice(1, -1),
  );
  return `"${spelled.join("")}"`;
}
