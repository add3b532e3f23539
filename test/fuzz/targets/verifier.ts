import { setImmediate as round } from "node:timers/promises";
import fc from "fast-check";
import { catalogue } from "../../../src/errors.ts";
import { createVerifier, type Verifier } from "../../../src/verifier/verifier.ts";
import { forge, goodClaims, withSignature } from "../../support/forge.ts";
import { ISSUER } from "../../support/service.ts";
import { verdictOf } from "../../support/verifier.ts";
import { answering, eventsText, feedTexts, jwkSets, streamOf } from "../feeds.ts";
import { keyOf } from "../keys.ts";
import { mutate } from "../mutate.ts";
import { type Outcome, type Target, Violation } from "../target.ts";
import { NOW } from "./token.ts";

const tokenWith = (jti: string) => forge(keyOf("ES256"), { payload: goodClaims({ iat: NOW, exp: NOW + 900, jti }) });
const good = tokenWith("good");
const revoked = tokenWith("revoked");
const unsigned = withSignature(good, Buffer.alloc(64));

/** Turns of the event loop that a verifier has to read its feed. */
const ROUNDS = 200;

/** A coordinate of the key of those tokens. */
const COORDINATE = String(keyOf("ES256").publicKey.export({ format: "jwk" }).x);

const json = { headers: { "content-type": "application/json" } };

const expected = { issuer: ISSUER, audience: ISSUER, clock: () => NOW };

/** Whole verifiers: one with a valid snapshot and any feed after it, one with a JWK Set alone. */
export const verifierTarget: Target<{ feed: Buffer; jwks: Buffer }> = {
  structured: fc.record({
    feed: feedTexts.map((text) => Buffer.from(text)),
    jwks: jwkSets.map((text) => Buffer.from(text)),
  }),

  mutate: (input, random, other) => ({
    feed: mutate(input.feed, random, other.feed),
    jwks: mutate(input.jwks, random, other.jwks),
  }),

  async examine({ feed, jwks }): Promise<Outcome> {
    const byFeed = await askOneThatFollows(feed, jwks);
    const byKeys = await askOneWithKeysAlone(jwks);
    return {
      what: `${byFeed}; by keys alone: ${byKeys}`,
      isParsed: byFeed !== SNAPSHOT_ALONE || byKeys === "accepted",
    };
  },
};

/** The verdicts by the snapshot alone. */
const SNAPSHOT_ALONE = "accepted, revoked: token_revoked";

async function askOneThatFollows(feed: Buffer, jwks: Buffer): Promise<string> {
  const pieces = [Buffer.from(eventsText("first")), feed];
  const events = { headers: { "content-type": "text/event-stream" } };
  using verifier = createVerifier({
    ...expected,
    fetch: async (url) =>
      url.includes("/events?") ? new Response(streamOf(pieces), events) : answering([jwks], json)(url, {}),
  });
  await verifier.ready;
  await untilDone(() => verifier.failure !== undefined);
  const [ofGood, ofRevoked] = await verdictsOf(verifier);
  if (ofRevoked === "accepted" && !feed.includes("reset")) throw new Violation("accepted what was revoked");
  return `${ofGood}, revoked: ${ofRevoked}`;
}

async function askOneWithKeysAlone(jwks: Buffer): Promise<string> {
  using verifier = createVerifier({ ...expected, follow: false, fetch: answering([jwks], json) });
  await untilDone(() => verifier.failure !== undefined || verifier.state === "live");
  const [ofGood = ""] = await verdictsOf(verifier);
  if (ofGood === "accepted" && !jwks.includes(COORDINATE)) throw new Violation("knows a key that was not published");
  return ofGood;
}

/** Other threads import keys, which takes some rounds. */
async function untilDone(isDone: () => boolean): Promise<void> {
  for (let rounds = 0; rounds < ROUNDS && !isDone(); rounds += 1) await round();
}

async function verdictsOf({ verify }: Pick<Verifier, "verify">): Promise<string[]> {
  const verdicts = await Promise.all([good, revoked, unsigned].map((token) => verdictOf(verify(token))));
  const unknown = verdicts.find((verdict) => verdict !== "accepted" && !(verdict in catalogue));
  if (unknown !== undefined) throw new Violation(`threw ${unknown}`);
  if (verdicts[2] === "accepted") throw new Violation("accepted what nobody signed");
  return verdicts;
}
