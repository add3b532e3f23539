import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { catalogue } from "../../../src/errors.ts";
import { createVerifier } from "../../../src/verifier/verifier.ts";
import { answering, eventsText, feedTexts, jwkSets, streamOf } from "../feeds.ts";
import { keyOf } from "../keys.ts";
import { mutate } from "../mutate.ts";
import { signSegments } from "../sign.ts";
import { type Outcome, type Target, Violation } from "../target.ts";
import { ISSUER, NOW } from "./token.ts";

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

function tokenWith(claims: object): string {
  const by = keyOf("ES256");
  const all = {
    iss: ISSUER,
    sub: "ada",
    aud: ISSUER,
    iat: NOW,
    exp: NOW + 900,
    jti: "j",
    client_id: "local",
    ...claims,
  };
  return signSegments(encode({ alg: by.alg, typ: "at+jwt", kid: by.kid }), encode(all), by);
}

const good = tokenWith({});
const revoked = tokenWith({ jti: "revoked" });
const unsigned = `${good.slice(0, good.lastIndexOf("."))}.${"A".repeat(86)}`;

/** For as many turns at most a verifier has time to take all that its feed says. */
const TURNS = 200;

const json = { headers: { "content-type": "application/json" } };

/** A whole verifier that follows a feed: a sound snapshot, and behind it whatever a service or somebody on the way may send. */
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
    const pieces = [Buffer.from(eventsText("first")), feed];
    using verifier = createVerifier({
      issuer: ISSUER,
      audience: ISSUER,
      clock: () => NOW,
      fetch: async (url) =>
        url.includes("/events?")
          ? new Response(streamOf(pieces), { headers: { "content-type": "text/event-stream" } })
          : answering([jwks], json)(url, {}),
    });
    await verifier.ready;
    // Keys are imported elsewhere than on this thread, which takes some turns.
    for (let turns = 0; turns < TURNS && verifier.failure === undefined; turns += 1) await turn();
    const [ofGood = "", ofRevoked = "", ofUnsigned = ""] = await Promise.all(
      [good, revoked, unsigned].map((token) => verdictOf(verifier.verify(token))),
    );
    if (ofUnsigned !== "invalid_token") throw new Violation(`answered ${ofUnsigned} to what nobody signed`);
    if (ofRevoked === "accepted" && !feed.includes("reset")) throw new Violation("accepted what was revoked");
    return { what: `${ofGood}, revoked: ${ofRevoked}`, isParsed: !verifier.failure?.message.includes("no update") };
  },
};

async function verdictOf(verification: Promise<unknown>): Promise<string> {
  return verification.then(
    () => "accepted",
    (error: { reason?: string }) => {
      if (error.reason === undefined || !(error.reason in catalogue)) throw error;
      return error.reason;
    },
  );
}
