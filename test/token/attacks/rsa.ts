import { constants, createHash, type KeyObject, privateEncrypt } from "node:crypto";
import type { AttackSuite, Tokens } from "../../support/attack-suite.ts";
import {
  forge,
  goodClaims,
  integer,
  type PairForge,
  signatureOf,
  toInteger,
  withSignature,
} from "../../support/forge.ts";
import { pkcs1Forgeries, pkcs1Message } from "../../support/pkcs1.ts";
import { pssForgeries, pssMessage } from "../../support/pss.ts";

/** Row 8: signatures with a wrong padding, and signatures out of range. */
export function rsaAttacks(suite: AttackSuite): void {
  const { rs256, ps256 } = suite.forges;
  for (const by of [rs256, ps256]) suite.refused(8, by, { tokens: specialNumbers(by) });

  suite.refused(8, rs256, { tokens: padded(rs256, pkcs1Forgeries) });
  suite.refused(8, ps256, { tokens: padded(ps256, pssForgeries) });
  // Proves that the forged paddings above are refused for their content, not for the way of signing.
  suite.accepted(8, rs256, { tokens: padded(rs256, (input) => ({ "the right padding": pkcs1Message(input) })) });
  suite.accepted(8, ps256, { tokens: padded(ps256, (input) => ({ "the right padding": pssMessage(input) })) });
}

/** Tokens with signatures of padded messages chosen by the attacker. */
function padded(by: PairForge, messagesFor: (input: Buffer) => Record<string, Buffer>): Tokens {
  const token = forge(by);
  const input = Buffer.from(token.slice(0, token.lastIndexOf(".")));
  const messages = Object.entries(messagesFor(input));
  return Object.fromEntries(messages.map(([name, message]) => [name, withSignature(token, rawSign(by.key, message))]));
}

/** RSASP1 of RFC 8017 §5.2.1: the private key applied to any number. */
function rawSign(key: KeyObject, message: Buffer): Buffer {
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, message);
}

function specialNumbers(by: PairForge): Tokens {
  const token = forge(by);
  const signature = signatureOf(token);
  const size = signature.length;
  const n = toInteger(Buffer.from(by.publicKey.export({ format: "jwk" }).n ?? "", "base64url"));
  const tokens: Tokens = {
    ...unreducedSignature(by, n),
    "a signature and the modulus added to it": withSignature(token, integer(toInteger(signature) + n, size + 1)),
    "a signature subtracted from the modulus": withSignature(token, integer(n - toInteger(signature), size)),
    "a signature with a zero in front": withSignature(token, Buffer.concat([Buffer.alloc(1), signature])),
    "a signature with a zero behind": withSignature(token, Buffer.concat([signature, Buffer.alloc(1)])),
    "a signature little end first": withSignature(token, signature.toReversed()),
    "a bare hash": withSignature(token, createHash("sha256").update(token).digest()),
  };
  for (const [name, value] of Object.entries({ "0": 0n, "1": 1n, "2": 2n, "n-1": n - 1n, n, "n+1": n + 1n })) {
    tokens[`a signature of ${name}`] = withSignature(token, integer(value, size));
    tokens[`a signature of ${name} | with a zero in front`] = withSignature(token, integer(value, size + 1));
  }
  return tokens;
}

/** RFC 8017 §8.2.2: the same number modulo n in as many bytes, which only some signatures allow. */
function unreducedSignature(by: PairForge, n: bigint): Tokens {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const token = forge(by, { payload: goodClaims({ jti: `attempt-${attempt}` }) });
    const unreduced = toInteger(signatureOf(token)) + n;
    if (unreduced >= 2n ** 2048n) continue;
    return { "an unreduced signature of the usual size": withSignature(token, integer(unreduced, 256)) };
  }
  return {};
}
