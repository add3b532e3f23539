import fc from "fast-check";
import type { Fetch, Service } from "../../src/verifier/source/http-client.ts";
import { anyCharacter } from "../support/any-character.ts";
import { storedKeys } from "./keys.ts";

const published = storedKeys.map(({ publicJwk }) => JSON.parse(publicJwk) as Record<string, unknown>);
const later = 1798761600 + 900;

/** A service behind a function in place of the network. */
export function serviceOf(fetch: Fetch): Service {
  return { url: "http://127.0.0.1:3000", authorization: undefined, fetch, closing: new AbortController().signal };
}

/** Answers every request with the same pieces of a body. */
export function answering(pieces: readonly Uint8Array[], init: ResponseInit = {}): Fetch {
  return async () => new Response(streamOf(pieces), init);
}

export function streamOf(pieces: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      const piece = pieces[at];
      at += 1;
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    },
  });
}

/** A whole snapshot with keys and one revoked token, as the service sends it. */
export function eventsText(epoch: string): string {
  // RSA keys take longest to import.
  const keys = published.filter(({ kty }) => kty !== "RSA").map((jwk) => ({ jwk }));
  const tokens = [{ until: later, jtis: ["revoked"] }];
  return `event: connected\ndata: {}\n\n\n${eventText({ epoch, sequence: 5, at: 1, reset: true, keys, tokens }, `${epoch}:5`)}`;
}

function eventText(update: unknown, id: string): string {
  return `data: ${JSON.stringify(update)}\nid: ${id}\n\n\n`;
}

const odd = fc.oneof(
  fc.constantFrom<unknown>(-1, 1.5, 2 ** 53, "5", null, [], {}, ""),
  fc.string({ unit: anyCharacter, maxLength: 8 }),
);
const orOdd = <Value>(usual: fc.Arbitrary<Value>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 20, arbitrary: usual as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: odd });
const maybe = (usual: fc.Arbitrary<unknown>) => fc.option(usual, { nil: undefined, freq: 2 });

const jwks = fc
  .tuple(
    fc.constantFrom(...published),
    fc.dictionary(fc.constantFrom("d", "kid", "alg", "n", "crv"), odd, { maxKeys: 1 }),
  )
  .map(([jwk, change]) => ({ ...jwk, ...change }));
const revocations = fc.record({
  kind: orOdd(fc.constantFrom("token", "subject", "client", "session")),
  id: orOdd(fc.constantFrom("ada", "local", "revoked", "x".repeat(256))),
  sequence: orOdd(fc.nat(12)),
  until: orOdd(fc.constant(later)),
});
const updates = fc.record({
  epoch: orOdd(fc.constantFrom("first", "first", "second")),
  sequence: orOdd(fc.integer({ min: 4, max: 12 })),
  at: orOdd(fc.nat(10_000)),
  reset: maybe(orOdd(fc.boolean())),
  more: maybe(orOdd(fc.boolean())),
  keys: maybe(orOdd(fc.array(fc.record({ jwk: orOdd(jwks), until: maybe(fc.nat()) }), { maxLength: 3 }))),
  revocations: maybe(orOdd(fc.array(revocations, { maxLength: 4 }))),
  tokens: maybe(
    orOdd(
      fc.array(fc.record({ until: fc.constant(later), jtis: fc.array(fc.string(), { maxLength: 3 }) }), {
        maxLength: 2,
      }),
    ),
  ),
});

const others = fc.constantFrom(
  ...["event: ping\ndata: \n\n", "event: return\ndata: \n\n"],
  ...['event: serialized-error\ndata: {"data":{"httpStatus":401}}\n\n'],
  ...['event: serialized-error\ndata: {"data":{"httpStatus":1e999}}\n\n', ": comment\n\n", "retry: 99999999999999\n\n"],
  ...["id: \0\ndata: {}\n\n", "data: x\rdata: y\r\n\r\n"],
);

/** Events after the snapshot: mostly updates that continue it, some with wrong values. */
export const feedTexts: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc
          .tuple(updates, fc.constantFrom("first:6", "", "x".repeat(1001)))
          .map(([update, id]) => eventText(update, id)),
      },
      { weight: 1, arbitrary: others },
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((events) => events.join(""));

/** The text of a JWK Set. */
export const jwkSets: fc.Arbitrary<string> = fc
  .record({ keys: orOdd(fc.array(orOdd(jwks), { maxLength: 6 })), more: maybe(odd) })
  .map((set) => JSON.stringify(set));
