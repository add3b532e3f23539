import { KeyObject } from "node:crypto";
import fc from "fast-check";
import { readFeed } from "../../../src/verifier/source/event-stream.ts";
import { importKeySet } from "../../../src/verifier/source/key-set.ts";
import { fetchJwkSet } from "../../../src/verifier/source/remote-jwks.ts";
import { createTrustReplica } from "../../../src/verifier/source/trust-replica.ts";
import { answering, eventsText, feedTexts, jwkSets, serviceOf } from "../feeds.ts";
import { mutate } from "../mutate.ts";
import { type Outcome, parseJson, type Target, Violation } from "../target.ts";
import { NOW } from "./token.ts";

/** The fetched JWK Set: any status, any header fields, any body. */
export const jwksTarget: Target<{ status: number; cacheControl: string; age: string; body: Buffer }> = {
  structured: fc
    .record({
      status: fc.oneof({ weight: 8, arbitrary: fc.constant(200) }, fc.constantFrom(206, 301, 401, 429, 500, 503)),
      cacheControl: fc.oneof(
        fc.constantFrom(
          ...["max-age=600", "max-age=0", "max-age=99999999999", 'max-age="5"', "no-store", "private,max-age=-1"],
        ),
        fc.string({ maxLength: 30 }),
      ),
      age: fc.constantFrom("", "0", "599", "-1", "1e9", "999999999", "9999999999", "x"),
      body: jwkSets.map((text) => Buffer.from(text)),
    })
    .filter(({ cacheControl }) => !/[^\x20-\x7e]/.test(cacheControl)),

  mutate: (input, random, other) => ({ ...input, body: mutate(input.body, random, other.body) }),

  async examine({ status, cacheControl, age, body }): Promise<Outcome> {
    const fetch = answering([body], { status, headers: { "cache-control": cacheControl, age } });
    const isParsed = parseJson(body) !== undefined;
    try {
      const { keys, maxAge, age: kept } = await fetchJwkSet(serviceOf(fetch));
      if (!(maxAge >= 10 && maxAge <= 86400 && kept >= 0)) throw new Violation(`keeps keys for ${maxAge} s`);
      const imported = await importKeySet(keys);
      for (const { key } of imported.values())
        if (!(key instanceof KeyObject) || key.type !== "public") throw new Violation("took a secret for a public key");
      return { what: `${imported.size === 0 ? "no key" : "keys"} of a set`, isParsed };
    } catch (error) {
      return { what: refusalOf(error, body), isParsed };
    }
  },
};

/** The bytes of a feed in pieces of any length, up to the state of a verifier. */
export const feedTarget: Target<{ bytes: Buffer; piece: number }> = {
  structured: fc.record({ bytes: feedTexts.map((text) => Buffer.from(text)), piece: fc.constantFrom(31, 500, 10_000) }),

  mutate: (input, random, other) => ({ ...input, bytes: mutate(input.bytes, random, other.bytes) }),

  async examine({ bytes, piece }): Promise<Outcome> {
    const pieces = Array.from({ length: Math.ceil(bytes.length / piece) }, (_, at) =>
      bytes.subarray(at * piece, (at + 1) * piece),
    );
    const fetch = answering([Buffer.from(eventsText("first")), ...pieces], {
      headers: { "content-type": "text/event-stream" },
    });
    const copy = createTrustReplica(() => NOW);
    const take = copy.begin();
    const isRevoked = () =>
      copy.trust().revocationReason({ jti: "revoked", sub: "x", client_id: "x", sid: undefined, exp: NOW + 900 }) !==
      undefined;
    let [taken, messages] = ["", 0];
    try {
      for await (const { update } of readFeed({ ...serviceOf(fetch), silenceMs: 10_000 }, undefined)) {
        const wasRevoked = isRevoked();
        taken = await take(update, false);
        messages += 1;
        if (wasRevoked && !isRevoked() && taken !== "replaced")
          throw new Violation("forgot a revocation without a new snapshot");
      }
      throw new Violation("ended without a rejection");
    } catch (error) {
      if (messages === 0) throw new Violation("did not take the first message");
      return { what: `${taken}, then ${refusalOf(error, bytes)}`, isParsed: messages > 1 };
    }
  },
};

const QUOTE = 16;

/** The failure of an exchange: an error that quotes nothing that was received. */
function refusalOf(error: unknown, sent: Buffer): string {
  if (!(error instanceof Error) || error instanceof Violation) throw error;
  const text = sent.toString();
  for (let at = 0; at + QUOTE <= error.message.length; at += 1) {
    const part = error.message.slice(at, at + QUOTE);
    if (text.includes(part)) throw new Violation("quotes what was received");
  }
  return error.name === "IssuerError" ? error.message : error.name;
}
