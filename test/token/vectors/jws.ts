import { createPublicKey, createSecretKey, type JsonWebKey } from "node:crypto";
import { calculateJwkThumbprint } from "jose";
import { expect, test } from "vitest";
import { importPublicJwk } from "../../../src/keys/public-jwk.ts";
import { parseCompact } from "../../../src/token/compact.ts";
import { verifyJws, verifySignature } from "../../../src/token/jws.ts";
import type { Algorithm, VerificationKey } from "../../../src/token/signature.ts";
import { failureOf, verifyBy } from "../../support/refusal.ts";
import { describeVectors, listVectors, readJsonVector, readTextVector } from "../../support/vectors.ts";

type Jwk = JsonWebKey & { kid?: string };
type Signed = { input: { payload: string; key: Jwk; alg: string }; output: Output };
type Output = { compact?: string; json?: object; json_flat?: object };

/** A key imported without the rules of this package. */
function heldKey(jwk: Jwk, alg: string): VerificationKey {
  const key =
    jwk.kty === "oct"
      ? createSecretKey(Buffer.from(jwk.k ?? "", "base64url"))
      : createPublicKey({ key: jwk, format: "jwk" });
  return { kid: jwk.kid ?? "", alg: alg as Algorithm, key };
}

async function payloadOf(token: string, key: VerificationKey): Promise<string | undefined> {
  const jws = parseCompact(token);
  const bytes = jws && (await verifySignature(jws, key));
  return bytes && Buffer.from(bytes).toString("utf8");
}

/** Everything but a compact JWS must fail before the key lookup. */
async function expectNoJws(forms: readonly unknown[]): Promise<void> {
  for (const form of forms) {
    expect(parseCompact(form)).toBeUndefined();
    expect(await verifyJws(form, () => expect.fail("a key was looked up"))).toBeUndefined();
  }
}

function formsOf({ compact, json, json_flat }: Output): unknown[] {
  const objects = [json, json_flat].filter((form) => form !== undefined);
  return [...(compact === undefined ? [] : [compact]), ...objects, ...objects.map((form) => JSON.stringify(form))];
}

export function cookbookVectors(): void {
  describeVectors("rfc7520-cookbook", () => {
    // RFC 7520 §4.1 to §4.4 and RFC 8037 A.4.
    const signed = ["4_1.rsa_v15_signature", "4_2.rsa-pss_signature", "4_3.ecdsa_signature"];
    for (const name of [...signed, "4_4.hmac-sha2_integrity_protection"]
      .map((name) => `jws/${name}`)
      .concat("curve25519/jws")) {
      const { input, output } = readJsonVector<Signed>(`rfc7520-cookbook/${name}.json`);
      const token = output.compact ?? "";

      const isOurs = !["PS384", "ES512"].includes(input.alg);
      test(`verifySignature ${isOurs ? "accepts" : "does not support"} ${name}`, async () => {
        expect(await payloadOf(token, heldKey(input.key, input.alg))).toBe(isOurs ? input.payload : undefined);
      });

      // Without the `typ` of an access token, and that of RFC 8037 without `kid`.
      test(`verifyAccessToken refuses ${name} under its own key`, async () => {
        const key = heldKey(input.key, input.alg);
        expect(await failureOf(verifyBy(token, () => key))).toMatchObject({ reason: "invalid_token" });
      });

      test(`parseCompact refuses the JSON forms of ${name}`, () => expectNoJws(formsOf(output).slice(1)));
    }

    const noCompactJws = [
      ...["4_5.signature_with_detached_content", "4_6.protecting_specific_header_fields"].map(
        (name) => `jws/${name}.json`,
      ),
      ...["4_7.protecting_content_only", "4_8.multiple_signatures"].map((name) => `jws/${name}.json`),
      ...listVectors("rfc7520-cookbook/rfc7797").map((name) => `rfc7797/${name}`),
      ...listVectors("rfc7520-cookbook/jwe").map((name) => `jwe/${name}`),
      "curve25519/ecdh-es.json",
    ];
    for (const name of noCompactJws) {
      test(`parseCompact refuses every form of ${name}`, async () => {
        const forms = formsOf(readJsonVector<{ output: Output }>(`rfc7520-cookbook/${name}`).output);
        expect(forms.length).toBeGreaterThan(0);
        await expectNoJws(forms);
      });
    }

    test("parseCompact refuses 6.nesting_signatures_and_encryption, and verifyJws what is inside", async () => {
      type Nested = { sign: Signed; encrypt: { output: Output } };
      const { sign, encrypt } = readJsonVector<Nested>("rfc7520-cookbook/6.nesting_signatures_and_encryption.json");
      await expectNoJws(formsOf(encrypt.output));
      const { compact = "" } = sign.output;
      const key = heldKey(sign.input.key, "PS256");
      expect(await payloadOf(compact, key)).toBe(sign.input.payload);
      expect(await verifyJws(compact, () => key)).toBeUndefined();
    });

    test("importPublicJwk accepts the one public key of RFC 7520 §3 with a supported algorithm", async () => {
      const imported: string[] = [];
      for (const name of listVectors("rfc7520-cookbook/jwk")) {
        const jwk = readJsonVector<Jwk>(`rfc7520-cookbook/jwk/${name}`);
        const alg = jwk.kty === "RSA" ? "RS256" : "ES256";
        // As published they have no alg, and their kid is a mail address.
        await expect(importPublicJwk(jwk)).rejects.toThrow();
        await importPublicJwk({ alg, ...jwk, kid: "bilbo" }).then(
          () => imported.push(name),
          () => undefined,
        );
      }
      // 3.1 is on P-521, 3.2 and 3.4 are private, 3.5 and 3.6 are symmetric.
      expect(imported).toEqual(["3_3.rsa_public_key.json"]);
    });
  });
}

export function appendixVectors(): void {
  describeVectors("rfc7515-7517-latchset", () => {
    const folder = "rfc7515-7517-latchset";
    const compact = (name: string) => readTextVector(`${folder}/rfc7515_${name}.jwsc`);
    const key = (name: string, alg: string) => heldKey(readJsonVector<Jwk>(`${folder}/rfc7515_${name}.jwk`), alg);

    for (const [name, alg] of [
      ["A.1", "HS256"],
      ["A.2", "RS256"],
      ["A.3", "ES256"],
    ] as const) {
      test(`verifySignature accepts RFC 7515 ${name} and verifyAccessToken refuses it`, async () => {
        expect(await payloadOf(compact(name), key(name, alg))).toContain('"iss":"joe"');
        const error = await failureOf(verifyBy(compact(name), () => key(name, alg)));
        expect(error).toMatchObject({ reason: "invalid_token" });
      });
    }

    test("verifySignature does not support RFC 7515 A.4", async () => {
      expect(await payloadOf(compact("A.4"), key("A.4", "ES512"))).toBeUndefined();
    });

    test("parseCompact refuses RFC 7515 A.5, which is unsigned", () => expectNoJws([compact("A.5")]));

    for (const name of ["A.6.jwsg", "A.7.jwsf"]) {
      test(`parseCompact refuses RFC 7515 ${name}, which is JSON`, async () => {
        const text = readTextVector(`${folder}/rfc7515_${name}`);
        await expectNoJws([text, JSON.parse(text)]);
      });
    }

    test("calculateJwkThumbprint returns the thumbprint of RFC 7638 §3.1", async () => {
      const jwk = readJsonVector<Jwk>(`${folder}/rfc7638_3.1.jwk`);
      expect(await calculateJwkThumbprint(jwk as never)).toBe(readTextVector(`${folder}/rfc7638_3.1.thp`));
    });

    for (const name of listVectors(folder).filter((name) => name.endsWith(".jwkset"))) {
      test(`importPublicJwk refuses every key of ${name}, with any labels`, async () => {
        const { keys } = readJsonVector<{ keys: Jwk[] }>(`${folder}/${name}`);
        const refusals = keys.map(async (jwk) => {
          await expect(importPublicJwk(jwk)).rejects.toThrow();
          return importPublicJwk({ ...jwk, use: "sig", kid: "kid", alg: jwk.kty === "RSA" ? "RS256" : "ES256" }).then(
            () => jwk.kty,
            () => "refused",
          );
        });
        // Only the set of A.1 is entirely public.
        const expected = name === "rfc7517_A.1.jwkset" ? ["EC", "RSA"] : keys.map(() => "refused");
        expect(await Promise.all(refusals)).toEqual(expected);
      });
    }
  });
}
