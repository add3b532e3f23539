import { expect, it } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { addClient } from "../support/clients.ts";
import { ISSUER, openServer } from "../support/service.ts";
import { verdictOf } from "../support/verifier.ts";

it("a verifier follows a real server: it refuses revoked tokens, and follows rotation and revocation of keys", async () => {
  await using opened = await openServer();
  const { service, url, clock } = opened;
  const credentials = await addClient(service, { permissions: ["follow_events"] });
  const client = createTokenClient({ url });
  using verifier = createVerifier({ issuer: ISSUER, audience: ISSUER, url, credentials, clock: () => clock.now });
  await verifier.ready;

  const verdict = (token: string) => verdictOf(verifier.verify(token));
  const [ada, bob] = await Promise.all(["ada", "bob"].map((subject) => client.getToken.query({ subject })));
  const [adas, bobs] = [ada?.token ?? "", bob?.token ?? ""];
  expect(await Promise.all([adas, bobs].map(verdict))).toEqual(["accepted", "accepted"]);

  await client.revoke.mutate({ subject: "ada" });
  await expect.poll(() => verdict(adas), { interval: 1 }).toBe("token_revoked");
  const { token: later } = await client.getToken.query({ subject: "ada" });
  expect(await Promise.all([later, bobs].map(verdict))).toEqual(["accepted", "accepted"]);

  await client.revokeToken.mutate({ token: bobs });
  await expect.poll(() => verdict(bobs), { interval: 1 }).toBe("token_revoked");

  const [key] = await client.keys.list.query();
  await client.revoke.mutate({ keyId: key?.kid ?? "" });
  await expect.poll(() => verdict(later), { interval: 1 }).toBe("invalid_token");
  const { token: newToken } = await client.getToken.query({ subject: "ada" });
  expect(await verdict(newToken)).toBe("accepted");
  expect([verifier.state, verifier.failure]).toEqual(["live", undefined]);

  // Earlier revocations are in the snapshot.
  using second = createVerifier({ issuer: ISSUER, audience: ISSUER, url, credentials, clock: () => clock.now });
  await second.ready;
  expect(await verdictOf(second.verify(bobs))).toBe("invalid_token");
  expect(await verdictOf(second.verify(newToken))).toBe("accepted");
});

it("a verifier without the permission follow_events is never live, and reports why", async () => {
  await using opened = await openServer();
  const credentials = await addClient(opened.service, { permissions: ["issue"] });
  using verifier = createVerifier({ issuer: ISSUER, audience: ISSUER, url: opened.url, credentials });
  await expect.poll(() => verifier.failure?.message).toContain("403");
  expect(verifier.state).toBe("connecting");
});
