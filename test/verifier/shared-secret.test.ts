import { expect, it } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { addClient } from "../support/clients.ts";
import { SECRET } from "../support/forge.ts";
import { ISSUER, openServer } from "../support/service.ts";
import { verdictOf } from "../support/verifier.ts";

const OTHER = `${SECRET} of another service`;
const SIGNS_WITH_SECRET = "The issuer publishes no keys: it signs with a shared secret";
const SIGNS_WITH_KEYS = "The issuer publishes keys: it does not sign with a shared secret";

it("a verifier with the secret verifies the tokens of the service, and receives revocations", async () => {
  await using opened = await openServer({ secret: SECRET });
  const { url, clock } = opened;
  const sent: string[] = [];
  using verifier = createVerifier({
    issuer: ISSUER,
    audience: ISSUER,
    url,
    secret: SECRET,
    clock: () => clock.now,
    fetch: (input, init) => {
      sent.push(JSON.stringify([input, init.headers]));
      return fetch(input, init);
    },
  });
  await verifier.ready;
  const client = createTokenClient({ url });
  const { token } = await client.getToken.query({ subject: "ada" });
  const { token: bobs } = await client.getToken.query({ subject: "bob" });
  const verdict = (text: string) => verdictOf(verifier.verify(text));
  expect(await verdict(token)).toBe("accepted");
  expect(await verdict(`${token.slice(0, -2)}AA`)).toBe("invalid_token");
  await client.revoke.mutate({ subject: "ada" });
  await expect.poll(() => verdict(token), { interval: 1 }).toBe("token_revoked");
  expect(await verdict(bobs)).toBe("accepted");
  expect([verifier.state, verifier.failure]).toEqual(["live", undefined]);
  expect(sent.length).toBeGreaterThan(0);
  expect(sent.join()).not.toContain(SECRET);
});

it.each([
  ["none, where the service signs with one", { own: SECRET, said: SIGNS_WITH_SECRET }],
  ["one, where the service signs with keys", { given: SECRET, said: SIGNS_WITH_KEYS }],
  ["another than the service's", { own: SECRET, given: OTHER }],
] as [string, { own?: string; given?: string; said?: string }][])(
  "a verifier with the wrong secret (%s) refuses all tokens, and reports why",
  async (_, { own, given, said }) => {
    await using opened = await openServer({ ...(own !== undefined && { secret: own }) });
    const { url, clock } = opened;
    const { token } = await createTokenClient({ url }).getToken.query();
    for (const follow of given === undefined ? [true, false] : [true]) {
      const now = () => clock.now;
      using verifier = createVerifier({ issuer: ISSUER, audience: ISSUER, url, secret: given, follow, clock: now });
      await verifier.ready;
      expect(await verdictOf(verifier.verify(token))).toBe("invalid_token");
      if (said === undefined) expect(verifier.failure).toBe(undefined);
      else expect(verifier.failure?.message).toContain(said);
    }
  },
);

it("a verifier with a secret and without the feed is ready immediately, and sends no request", async () => {
  await using opened = await openServer({ secret: SECRET });
  const { token } = await createTokenClient({ url: opened.url }).getToken.query();
  const nobody = () => Promise.reject(new Error("nothing is to be sent"));
  const clock = () => opened.clock.now;
  const options = { issuer: ISSUER, audience: ISSUER, secret: SECRET, follow: false, fetch: nobody, clock };
  using verifier = createVerifier(options);
  await verifier.ready;
  expect(await verdictOf(verifier.verify(token))).toBe("accepted");
  expect([verifier.state, verifier.failure]).toEqual(["live", undefined]);
  createVerifier({ ...options, issuer: "no URL" }).close();
  expect(() => createVerifier({ ...options, issuer: "no URL", follow: true })).toThrow("url is needed");
});

it("a verifier with a secret refuses tokens of key pairs, and one without refuses those of a secret", async () => {
  await using keyed = await openServer();
  await using shared = await openServer({ secret: SECRET });
  const [ofKeys, ofSecret] = await Promise.all(
    [keyed, shared].map(async ({ url }) => (await createTokenClient({ url }).getToken.query()).token),
  );
  const common = { issuer: ISSUER, audience: ISSUER, clock: () => keyed.clock.now };
  using bySecret = createVerifier({ ...common, url: keyed.url, secret: SECRET });
  using byKeys = createVerifier({ ...common, url: keyed.url });
  await Promise.all([bySecret.ready, byKeys.ready]);
  expect(await verdictOf(bySecret.verify(ofKeys))).toBe("invalid_token");
  expect(await verdictOf(byKeys.verify(ofSecret))).toBe("invalid_token");
});

it("a verifier can have a shared secret and credentials", async () => {
  await using opened = await openServer({ secret: SECRET, open: false });
  const { service, url, clock } = opened;
  const credentials = await addClient(service, { permissions: ["follow_events"] });
  using verifier = createVerifier({
    issuer: ISSUER,
    audience: ISSUER,
    url,
    secret: SECRET,
    credentials,
    clock: () => clock.now,
  });
  await verifier.ready;
  expect(verifier.failure).toBe(undefined);
});
