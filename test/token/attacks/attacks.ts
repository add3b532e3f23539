import type { AttackSuite } from "../../support/attack-suite.ts";
import { algorithmAttacks } from "./algorithm.ts";
import { claimAttacks } from "./claims.ts";
import { confusionAttacks } from "./confusion.ts";
import { encodingAttacks } from "./encoding.ts";
import { encryptionAttacks } from "./encryption.ts";
import { headerAttacks } from "./header.ts";
import { issueAttacks } from "./issue.ts";
import { jsonAttacks } from "./json.ts";
import { keySelectionAttacks } from "./key-selection.ts";
import { kidAttacks } from "./kid.ts";
import { nestingAttacks } from "./nesting.ts";
import { purposeAttacks } from "./purpose.ts";
import { rsaAttacks } from "./rsa.ts";
import { serializationAttacks } from "./serialization.ts";
import { signatureAttacks } from "./signature.ts";
import { timeAttacks } from "./time.ts";

/** All attacks on a token, by their target. */
export const ATTACKS: Record<string, ((suite: AttackSuite) => void | Promise<void>)[]> = {
  "signature and algorithm": [algorithmAttacks, confusionAttacks, signatureAttacks, rsaAttacks],
  "key selection": [keySelectionAttacks, kidAttacks],
  "format and encoding": [
    encodingAttacks,
    serializationAttacks,
    encryptionAttacks,
    headerAttacks,
    jsonAttacks,
    nestingAttacks,
  ],
  "claims and purpose": [timeAttacks, claimAttacks, purposeAttacks, issueAttacks],
};
