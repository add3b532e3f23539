import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createVerifier, type Verifier } from "../../src/verifier/verifier.ts";
import { basic, callAs } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { postForm } from "../support/oauth.ts";
import { ISSUER, openServer } from "../support/service.ts";
import { verdictOf } from "../support/verifier.ts";

let server: Awaited<ReturnType<typeof openServer>>;
let owner: Awaited<ReturnType<typeof addClient>>;
let other: typeof owner;
let verifier: Verifier;
beforeAll(async () => {
  server = await openServer({ open: false });
  owner = await addClient(server.service, { permissions: ["issue"] });
  other = await addClient(server.service, { permissions: ["issue"] });
  const credentials = await addClient(server.service, { permissions: ["follow_events"] });
  verifier = createVerifier({
    issuer: ISSUER,
    audience: ISSUER,
    url: server.url,
    credentials,
    clock: () => server.clock.now,
  });
  await verifier.ready;
});
afterAll(async () => {
  verifier.close();
  await server[Symbol.asyncDispose]();
});

async function grantOf(as: typeof owner) {
  const input = { refreshable: true };
  const { data } = await callAs(server.url, { procedure: "getToken", input, authorization: basic(as) });
  return data as { token: string; refreshToken: string };
}

const revoke = (token: string | undefined, as = owner, more: Record<string, string> = {}) =>
  postForm(server.url, "revoke", { as, parameters: { token, ...more } });
const refresh = (refreshToken: string, as = owner) =>
  postForm(server.url, "token", { as, parameters: { grant_type: "refresh_token", refresh_token: refreshToken } });

/** What a verifier that follows the events says once they have reached it. */
const settled = (token: string, verdict: string) =>
  expect.poll(() => verdictOf(verifier.verify(token)), { timeout: 5000, interval: 5 }).toBe(verdict);

describe("the revocation endpoint (RFC 7009)", () => {
  it("revokes an access token, and a verifier that follows refuses it", async () => {
    const { token, refreshToken } = await grantOf(owner);
    await settled(token, "accepted");
    const { status, text, headers } = await revoke(token);
    expect([status, text]).toEqual([200, ""]);
    expect(headers).toMatchObject({ "content-length": "0", "cache-control": "no-store" });
    await settled(token, "token_revoked");
    expect(await refresh(refreshToken)).toMatchObject({ status: 200 });
  });

  it("revokes the grant of a refresh token, with all its tokens", async () => {
    const { token, refreshToken } = await grantOf(owner);
    await settled(token, "accepted");
    expect(await revoke(refreshToken)).toMatchObject({ status: 200, text: "" });
    await settled(token, "token_revoked");
    expect((await refresh(refreshToken)).json).toMatchObject({ error: "invalid_grant" });
  });

  it.each(["access_token", "refresh_token", "unknown", "", "\0"])(
    "revokes whatever the hint: %j",
    async (token_type_hint) => {
      const { token, refreshToken } = await grantOf(owner);
      await revoke(token, owner, { token_type_hint });
      await settled(token, "token_revoked");
      await revoke(refreshToken, owner, { token_type_hint });
      expect((await refresh(refreshToken)).json).toMatchObject({ error: "invalid_grant" });
    },
  );

  it("answers 200 for a token that is unknown, malformed or revoked already", async () => {
    const { token } = await grantOf(owner);
    for (const one of [token, token, `${token}x`, "x", "a.b.c", "💥", "\0", "x".repeat(9000)])
      expect(await revoke(one)).toMatchObject({ status: 200, text: "" });
  });

  it("requires a token", async () => {
    for (const token of [undefined, ""])
      expect(await revoke(token)).toMatchObject({ status: 400, json: { error: "invalid_request" } });
  });

  it.each(["token", "refreshToken"] as const)("P35: does not revoke the %s of another client", async (kind) => {
    const grant = await grantOf(owner);
    await settled(grant.token, "accepted");
    const refused = await revoke(grant[kind], other);
    const unknown = await revoke("x", other);
    const comparable = ({ headers: { date, ...headers }, ...answer }: typeof refused) => ({ ...answer, headers });
    expect(comparable(refused)).toEqual(comparable(unknown));
    // Reaches the verifier after the other revocation would.
    const { token } = await grantOf(owner);
    await revoke(token);
    await settled(token, "token_revoked");
    expect(await verdictOf(verifier.verify(grant.token))).toBe("accepted");
    expect(await refresh(grant.refreshToken)).toMatchObject({ status: 200 });
  });

  it("P35: revokes that of another client for one with the permission", async () => {
    const { token } = await grantOf(owner);
    const trusted = await addClient(server.service, { permissions: ["revoke"] });
    expect(await revoke(token, trusted)).toMatchObject({ status: 200 });
    await settled(token, "token_revoked");
  });

  it("P25: revokes nothing without authentication", async () => {
    const { token } = await grantOf(owner);
    for (const as of [undefined, { ...owner, clientSecret: "wrong" }, { ...owner, clientId: "nobody" }])
      expect(await postForm(server.url, "revoke", { as, parameters: { token } })).toMatchObject({
        status: 401,
        json: { error: "invalid_client" },
      });
    expect(await verdictOf(verifier.verify(token))).toBe("accepted");
  });
});
