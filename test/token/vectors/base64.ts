import { expect, test } from "vitest";
import { parseCompact } from "../../../src/token/compact.ts";
import { encode, type Forge, forge, goodClaims, goodHeader, seal } from "../../support/forge.ts";
import { expectRefused } from "../../support/refusal.ts";
import { describeVectors, readJsonVector } from "../../support/vectors.ts";

export function base64Vectors(by: Forge): void {
  describeVectors("wpt-base64", () => {
    const cases = readJsonVector<[text: string, bytes: number[] | null][]>("wpt-base64/base64.json");
    const [header = "", payload = "", signature = ""] = forge(by).split(".");
    const canonical = cases.filter(([text]) => text !== "" && encode(Buffer.from(text, "base64url")) === text);

    test("the cases have two canonical spellings among them", () => {
      expect(cases).toHaveLength(71);
      expect(canonical.map(([text]) => text)).toEqual(["abcd", "abc"]);
    });

    for (const [text] of cases) {
      // Forgiving decoders take most of these; a token has but one spelling (RFC 8725 §3.12, RFC 4648 §3.5).
      const expected = canonical.some(([spelling]) => spelling === text);
      const verb = expected ? "takes" : "refuses";

      test(`parseCompact ${verb} ${JSON.stringify(text)} for a payload or a signature`, () => {
        expect(parseCompact([header, text, signature].join(".")) !== undefined).toBe(expected);
        expect(parseCompact([header, payload, text].join(".")) !== undefined).toBe(expected);
      });

      test(`parseCompact refuses ${JSON.stringify(text)} for a header or around one`, () => {
        expect(parseCompact([text, payload, signature].join("."))).toBeUndefined();
        if (expected) return;
        for (const spelling of [header + text, text + header].filter((spelling) => spelling !== header)) {
          expect(parseCompact([spelling, payload, signature].join("."))).toBeUndefined();
        }
      });

      test(`verifyAccessToken refuses ${JSON.stringify(text)} in any segment, signed as it stands`, async () => {
        await expectRefused(seal(by, text, encode(goodClaims())), by);
        await expectRefused(seal(by, encode(goodHeader(by)), text), by);
        await expectRefused([header, payload, text].join("."), by);
      });
    }
  });
}
