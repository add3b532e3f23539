import { calculateJwkThumbprint } from "jose";
import { describe, expect, test } from "vitest";
import { generateKeyPair, loadKeyPair } from "../../src/keys/key-pair.ts";
import type { KeyPairAlgorithm } from "../../src/keys/public-jwk.ts";
import { verifyJws } from "../../src/token/jws.ts";
import { signJws } from "../../src/token/sign.ts";
import { damaged, expectDamage, flipBit, readJwk } from "../support/damage.ts";
import { openForges, openStrangers } from "../support/forge.ts";
import { NOW } from "../support/service.ts";
import { damagedKeys } from "./key-pair/damaged.ts";

const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "k", "oth"];

const [keys, others] = await Promise.all([openForges(), openStrangers()]);

for (const [index, { alg, stored }] of keys.pairs.entries()) {
  const other = others[index]?.stored ?? stored;

  describe(`a key pair for ${alg}`, () => {
    test("loadKeyPair imports a generated key, which then signs and verifies", async () => {
      const { signing, verification, jwk } = await loadKeyPair(stored);
      expect({ alg: signing.alg, kid: signing.kid }).toEqual({ alg, kid: stored.kid });
      const token = await signJws("payload", signing);
      const read = await verifyJws(token, (kid) => (kid === jwk.kid ? verification : undefined));
      expect(read?.kid).toBe(stored.kid);
      expect(Buffer.from(read?.payload ?? []).toString()).toBe("payload");
    });

    test("generateKeyPair uses the thumbprint of the public half as kid (RFC 7638)", async () => {
      expect(await calculateJwkThumbprint(readJwk(stored.publicJwk))).toBe(stored.kid);
      expect(await calculateJwkThumbprint(readJwk(stored.privateJwk))).toBe(stored.kid);
      expect(readJwk(stored.publicJwk)).toMatchObject({ kid: stored.kid, use: "sig", alg });
      expect(stored.kid).not.toBe(other.kid);
    });

    test("generateKeyPair has no private member in the public half", () => {
      const published = Object.keys(readJwk(stored.publicJwk));
      expect(published.filter((name) => PRIVATE_MEMBERS.includes(name))).toEqual([]);
      expect(Object.keys(readJwk(stored.privateJwk))).toContain("d");
    });

    test("loadKeyPair refuses a kid or alg of another key", async () => {
      const algs: KeyPairAlgorithm[] = ["ES256", "ES384", "RS256", "PS256", "EdDSA"];
      const unknown = ["HS256", "none", "", "ES512", alg.toLowerCase()] as KeyPairAlgorithm[];
      for (const wrong of [...algs.filter((name) => name !== alg), ...unknown]) {
        await expectDamage({ ...stored, alg: wrong });
        await expectDamage(damaged(stored, { publicJwk: { alg: wrong } }));
      }
      // Both labels agree; only the key differs.
      for (const wrong of algs.filter((name) => name.slice(1) !== alg.slice(1))) {
        await expectDamage({ ...damaged(stored, { publicJwk: { alg: wrong } }), alg: wrong });
      }
      for (const use of ["enc", "", "SIG"]) await expectDamage(damaged(stored, { publicJwk: { use } }));
    });

    test("loadKeyPair refuses a kid that is not the thumbprint, in the JWK, in the row, or in both", async () => {
      const shorter = stored.kid.slice(1);
      for (const kid of [
        other.kid,
        "",
        "kid",
        shorter,
        `${stored.kid}A`,
        stored.kid.toLowerCase(),
        "A".repeat(64),
        "a\nlevel=fatal",
        stored.privateJwk,
      ]) {
        await expectDamage({ ...stored, kid });
        await expectDamage(damaged(stored, { publicJwk: { kid } }));
        await expectDamage({ ...damaged(stored, { publicJwk: { kid } }), kid });
      }
    });

    test("loadKeyPair refuses a public half with a private or unknown member", async () => {
      const secret = readJwk(stored.privateJwk);
      for (const members of [
        secret,
        { d: secret.d },
        { k: "AQAB" },
        { x5c: [] },
        { key_ops: ["sign"] },
        { ext: true },
      ]) {
        await expectDamage(damaged(stored, { publicJwk: members }));
      }
    });

    for (const member of ["x", "y", "n"].filter((name) => name in readJwk(stored.publicJwk))) {
      test(`loadKeyPair refuses a damaged ${member} in either half`, async () => {
        const value = readJwk(stored.publicJwk)[member] ?? "";
        const foreign = readJwk(other.publicJwk)[member];
        for (const wrong of [flipBit(value, 0), flipBit(value, 5), flipBit(value, -1), "", "AA", foreign]) {
          await expectDamage(damaged(stored, { publicJwk: { [member]: wrong } }));
          await expectDamage(damaged(stored, { privateJwk: { [member]: wrong } }));
        }
        for (const wrong of [value.slice(0, -4), `${value}AAAA`, ` ${value}`, `${value}=`]) {
          await expectDamage(damaged(stored, { publicJwk: { [member]: wrong } }));
        }
      });
    }
  });
}

test("generateKeyPair generates RSA keys of 2048 bits with the exponent 65537", async () => {
  const { n = "", e } = readJwk(
    (await generateKeyPair({ alg: "RS256", createdAt: NOW, activatesAt: NOW, follows: "" })).publicJwk,
  );
  expect(Buffer.from(n, "base64url")).toHaveLength(256);
  expect(e).toBe("AQAB");
});

damagedKeys(keys, others);
