import { validateHeaderValue } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { catalogue, StartError } from "../../../src/errors.ts";
import { answerOf, BearerRefusal, createAuthenticate, headersOf } from "../../../src/verifier/bearer.ts";
import { createVerifier } from "../../../src/verifier/verifier.ts";
import { answering, eventsText, feedTexts, jwkSets, streamOf } from "../feeds.ts";
import { keyOf } from "../keys.ts";
import { mutate } from "../mutate.ts";
import { signSegments } from "../sign.ts";
import { createSignedSet } from "../signed-set.ts";
import { type Outcome, type Target, Violation } from "../target.ts";
import { forgedTokens, mutatedText } from "../tokens.ts";
import { createFuzzVerifier, ISSUER, NOW } from "./token.ts";

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

const signedTokens = createSignedSet();
const schemes = fc.constantFrom(
  "Bearer ",
  "bearer  ",
  "BEARER ",
  "Bearer",
  "Basic ",
  "Bearer\t",
  ", Bearer ",
  "DPoP ",
  "Bearer x, Bearer ",
);
const headers = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(schemes, forgedTokens({ keys: [keyOf("ES256"), keyOf("EdDSA")], issuer: ISSUER, now: () => NOW }))
      .map(([scheme, { token }]) => (signedTokens.add(token) ? `${scheme}${token}` : "")),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
);

const authenticate = createAuthenticate({ verify: createFuzzVerifier() as never }, {});
const authenticateWithScope = createAuthenticate(
  { verify: (token, expected = {}) => createdOnce(token, { ...expected, audience: ISSUER }) },
  { scope: "a", realm: "fuzz" },
);
const createdOnce = createFuzzVerifier();

/** `Authorization` as all middleware reads it, and the answer that it gives. */
export const bearerTarget: Target<{ values: string[] }> = {
  structured: fc.record({
    values: fc.oneof({ weight: 12, arbitrary: headers.map((value) => [value]) }, fc.array(headers, { maxLength: 2 })),
  }),

  mutate: ({ values: [value = "", ...rest] }, random, other) => ({
    values: [mutatedText(value, random, other.values[0] ?? ""), ...rest],
  }),

  async examine({ values }): Promise<Outcome> {
    const request = { headers: { authorization: values.length > 1 ? values : values[0] } };
    const outcomes = await Promise.all([authenticate(request), authenticateWithScope(request)]);
    const whats = outcomes.map((outcome) =>
      outcome instanceof BearerRefusal ? expectSound(outcome, values) : "accepted",
    );
    const isOurs = signedTokens.has(/[\w-]+\.[\w-]+\.[\w-]+/.exec(values.join())?.[0] ?? "");
    if (whats.includes("accepted") && !isOurs) throw new Violation("accepted what nobody signed");
    return { what: whats.join(", with scope "), isParsed: whats[0] !== "401" && whats[0] !== "malformed_request" };
  },
};

/** A refusal is one of the catalogue, can be sent as it is, blames nobody here, and quotes nothing. */
function expectSound(refusal: BearerRefusal, values: readonly string[]): string {
  const { status, body } = answerOf(refusal);
  if (status !== 400 && status !== 401 && status !== 403) throw new Violation(`answered ${status}`);
  for (const [name, value] of Object.entries(headersOf(refusal))) validateHeaderValue(name, value);
  const { reason, error } = JSON.parse(body) as { reason: string; error?: string };
  if (!(reason in catalogue)) throw new Violation(`gave a reason that is not in the catalogue: ${reason}`);
  const tail = values.join().slice(-14);
  if (tail.length === 14 && `${body}${JSON.stringify(headersOf(refusal))}`.includes(tail))
    throw new Violation("quotes the credentials");
  return error === undefined ? "401" : reason;
}

const anything = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    "",
    "http://127.0.0.1:3000",
    "ftp://x",
    "http://a:b@x",
    "x",
    0,
    -1,
    30,
    Number.NaN,
    Infinity,
    true,
    {},
    [],
  ),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.func(fc.anything()),
);
const optionNames = "issuer audience url claims credentials maxStaleness onStale clockTolerance follow clock".split(
  " ",
);

/** The options of `createVerifier`: a verifier comes of them, or one line that says which of them is wrong. */
export const optionsTarget: Target<{ options: Record<string, unknown> }> = {
  structured: fc
    .dictionary(fc.constantFrom(...optionNames, "__proto__", "isuer"), anything, { maxKeys: 3, noNullPrototype: true })
    .map((changes) => ({ options: { issuer: ISSUER, audience: ISSUER, ...changes } })),

  mutate: ({ options }, random, other) => {
    const name = random.pick(optionNames);
    const value = options[name];
    return {
      options: {
        ...options,
        [name]: typeof value === "string" ? mutatedText(value, random, ISSUER) : other.options[name],
      },
    };
  },

  examine({ options }): Outcome {
    try {
      createVerifier({ fetch: () => new Promise(() => {}), ...options } as never).close();
      return { what: "a verifier", isParsed: true };
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      if (!/^createVerifier: [^\n]{1,120}$/.test(error.message))
        throw new Violation(`says no line that helps: ${error.message}`);
      return { what: error.message.split(" ")[1] ?? "", isParsed: true };
    }
  },
};
