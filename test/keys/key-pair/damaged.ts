import { describe, test } from "vitest";
import { damaged, expectDamage, flipBit, readJwk } from "../../support/damage.ts";
import type { Forges, PairForge } from "../../support/forge.ts";

const WRONG_TYPES = [null, 1, {}, ["x"], true];
const RSA_MEMBERS = ["d", "p", "q", "dp", "dq", "qi"];

/** Damaged stored keys, which must not load. */
export function damagedKeys(keys: Forges, others: readonly PairForge[]): void {
  for (const [index, { alg, stored }] of keys.pairs.entries()) {
    const other = others[index]?.stored ?? stored;
    const foreign = (alg === "RS256" || alg === "PS256" ? keys.es256 : keys.rs256).stored;

    for (const half of ["publicJwk", "privateJwk"] as const) {
      describe(`the ${half} of a stored key for ${alg}`, () => {
        const json = stored[half];

        test("loadKeyPair refuses it if its JSON is damaged", async () => {
          const texts = ["", " ", "null", "[]", "{}", "1", '"x"', `[${json}]`, `${json}x`, JSON.stringify(json)];
          const lengths = [1, 2, 10, json.length / 2, json.length - 10, json.length - 1];
          for (const text of [...texts, `{"keys":[${json}]}`, ...lengths.map((length) => json.slice(0, length))]) {
            await expectDamage({ ...stored, [half]: text });
          }
        });

        test("loadKeyPair refuses it if it is of another key", async () => {
          await expectDamage({ ...stored, [half]: other[half] });
          await expectDamage({ ...stored, [half]: foreign[half] });
        });

        test("loadKeyPair refuses it if it is the other half", async () => {
          const swapped = half === "publicJwk" ? stored.privateJwk : stored.publicJwk;
          await expectDamage({ ...stored, [half]: swapped });
        });

        for (const member of Object.keys(readJwk(json))) {
          test(`loadKeyPair refuses it without its ${member}, or with one of another type`, async () => {
            for (const value of [undefined, ...WRONG_TYPES]) {
              await expectDamage(damaged(stored, { [half]: { [member]: value } }));
            }
          });
        }
      });
    }
  }

  for (const { alg, stored } of [keys.es256, keys.es384, keys.edDsa]) {
    test(`loadKeyPair refuses a damaged d of a key for ${alg}`, async () => {
      const { d = "" } = readJwk(stored.privateJwk);
      for (const wrong of [flipBit(d, 0), flipBit(d, 9), flipBit(d, -1), "", "AA", d.slice(0, -4), `${d}AAAA`]) {
        await expectDamage(damaged(stored, { privateJwk: { d: wrong } }));
      }
    });
  }

  for (const { alg, stored } of [keys.rs256, keys.ps256]) {
    const secret = readJwk(stored.privateJwk);
    const d = flipBit(secret.d ?? "", 9);

    test(`loadKeyPair refuses a key for ${alg} with damage in several members`, async () => {
      for (const member of ["p", "q", "dp", "dq", "qi"]) {
        const value = flipBit(secret[member] ?? "", 9);
        await expectDamage(damaged(stored, { privateJwk: { d, [member]: value } }));
      }
      await expectDamage(damaged(stored, { privateJwk: { d, p: secret.q, q: secret.p } }));
      const noPrimes = { p: undefined, q: undefined, dp: undefined, dq: undefined, qi: undefined };
      await expectDamage(damaged(stored, { privateJwk: { d, ...noPrimes } }));
    });

    for (const member of RSA_MEMBERS) {
      test(`loadKeyPair refuses a damaged ${member} of a key for ${alg}`, async () => {
        const value = secret[member] ?? "";
        for (const wrong of [flipBit(value, 0), flipBit(value, 9), flipBit(value, -1), "AA", ...WRONG_TYPES]) {
          await expectDamage(damaged(stored, { privateJwk: { [member]: wrong } }));
        }
      });
    }
  }
}
