import { StartError } from "../../errors.ts";
import { type Keyring, keyringAt, type LoadedKey } from "../../keys/keyring.ts";
import { dueKey, PUBLISH_AHEAD } from "../../keys/lifecycle.ts";
import type { KeyPairAlgorithm } from "../../keys/public-jwk.ts";
import type { StoredSettings } from "../../store/settings.ts";
import type { Seconds } from "../../time.ts";
import { moment } from "../text.ts";
import { type Finding, failure, ok, splitSentence, warning } from "./finding.ts";

/** Every server with maintenance makes a due key within a minute. */
const GRACE: Seconds = 180;

const RESTORE = "restore the database from a backup";

export type KeysEvidence = {
  loaded: readonly LoadedKey[];
  /** One sentence for each key whose private half cannot be used with the key-encryption key in force. */
  faults: readonly string[];
  settings: StoredSettings;
  /** The `kid` of MINTMARK_SECRET. */
  secretKid: string | undefined;
  /** How long a key signs. */
  rotation: Seconds;
  now: Seconds;
};

export function assessKeys(evidence: KeysEvidence): Finding {
  const { loaded, faults, settings, secretKid } = evidence;
  if (settings.alg !== undefined && settings.secretKid !== secretKid) return otherSigner(settings.secretKid, secretKid);
  if (secretKid !== undefined) return ok("keys", "A shared secret signs (HS256)");
  const [fault] = faults;
  if (fault !== undefined) return failure("keys", ...splitSentence(fault, RESTORE));
  if (loaded.length === 0) return ok("keys", "There is no key yet: the first start of a server makes one");
  const keyring = keyringOf(evidence);
  if (keyring?.signing === undefined) return failure("keys", "No key signs", RESTORE);
  return assessRotation(evidence, keyring);
}

function otherSigner(stored: string | undefined, configured: string | undefined): Finding {
  const [signer, variable] =
    stored === undefined
      ? ["key pairs", "MINTMARK_SECRET is set"]
      : ["a shared secret", `MINTMARK_SECRET is ${configured === undefined ? "not set" : "another one"}`];
  return warning(
    "keys",
    `The service signs with ${signer}, and ${variable}`,
    "use the environment of the server: a start with this one refuses all tokens issued until then",
  );
}

/** The keyring of a moment; undefined where no key is left. */
export function keyringOf({ loaded, settings, rotation, now }: Omit<KeysEvidence, "faults" | "secretKid">) {
  try {
    return keyringAt(loaded, { rotation, maxTtl: settings.longestLifetime }, now);
  } catch (error) {
    if (error instanceof StartError) return undefined;
    throw error;
  }
}

function assessRotation({ loaded, settings, rotation, now }: KeysEvidence, { timelines, jwks }: Keyring): Finding {
  const active = timelines.find(({ state }) => state === "active")?.key;
  const { kid = "", alg = "ES256", activatesAt = now } = active ?? {};
  const stored = loaded.map(({ stored }) => stored);
  const wantedAlg: KeyPairAlgorithm = settings.alg ?? alg;
  const policy = { rotation, maxTtl: settings.longestLifetime, alg: wantedAlg };
  if (dueKey(stored, policy, Math.max(activatesAt, now - GRACE)) !== undefined)
    return failure(
      "keys",
      `The next key is overdue: ${kid} signs since ${moment(activatesAt)}, and no successor is published`,
      "start a server on this data: it makes the key within a minute; if one runs, its log has the cause",
    );
  const next = timelines.find(({ state }) => state === "pending")?.key;
  const successor =
    next === undefined
      ? `the next key is due at ${moment(activatesAt + rotation - PUBLISH_AHEAD)}`
      : `the next key is published and signs from ${moment(next.activatesAt)}`;
  return ok("keys", `${kid} (${alg}) signs, ${jwks.keys.length} published; ${successor}`);
}
