import { expect, test } from "vitest";
import { parseCompact } from "../../../src/token/compact.ts";
import { encode, type Forge, forge, goodClaims, goodHeader, signSegments } from "../../support/forge.ts";
import { expectRefused } from "../../support/refusal.ts";
import { describeVectors, readJsonVector } from "../../support/vectors.ts";

export function base64Vectors(by: Forge): void {
  describeVectors("wpt-base64", () => {
    const cases = readJsonVector<[text: string, bytes: number[] | null][]>("wpt-base64/base64.json");
    const [header = "", payload = "", signature = ""] = forge(by).split(".");
    const canonical = cases.filter(([text]) => text !== "" && encode(Buffer.from(text, "base64url")) === text);

    test("two of the cases are canonical", () => {
      expect(cases).toHaveLength(71);
      expect(canonical.map(([text]) => text)).toEqual(["abcd", "abc"]);
    });

    for (const [text] of cases) {
      // Lenient decoders accept most of these; a token has one encoding (RFC 8725 §3.12, RFC 4648 §3.5).
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

      test(`verifyAccessToken refuses ${JSON.stringify(text)} in any segment, with a signature over it`, async () => {
        await expectRefused(signSegments(by, text, encode(goodClaims())), by);
        await expectRefused(signSegments(by, encode(goodHeader(by)), text), by);
        await expectRefused([header, payload, text].join("."), by);
      });
    }
  });
}
