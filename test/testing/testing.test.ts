import { initTRPC } from "@trpc/server";
import { expect, it } from "vitest";
import { z } from "zod";
import { StartError } from "../../src/errors.ts";
import { createTestIssuer } from "../../src/testing/testing.ts";
import { type BearerContext, trpcAuth } from "../../src/verifier/middleware/trpc.ts";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { NOW } from "../support/service.ts";

const claims = z.strictObject({ role: z.enum(["reader", "writer"]) });
const writer = { subject: "ada", claims: { role: "writer" } } as const;

it("issues tokens with typed claims, which its verifier accepts", async () => {
  await using issuer = await createTestIssuer({ claims, now: NOW });
  const token = await issuer.token({ ...writer, scope: "orders:read orders:write", expiresIn: 60 });
  const verified = await issuer.verifier.verify(token, { scope: "orders:write" });
  expect(verified).toMatchObject({ sub: "ada", role: "writer", iss: issuer.issuer, iat: NOW, exp: NOW + 60 });
  // @ts-expect-error: the schema has no such role.
  await expect(issuer.token({ claims: { role: "owner" } })).rejects.toMatchObject({ reason: "invalid_request" });
});

it("refuses options that it does not know, or whose values are wrong", async () => {
  const wrong = [{ isuer: "https://a.test" }, { now: 1.5 }, { now: -1 }, { issuer: "a" }, { audience: "" }];
  for (const options of wrong)
    await expect(createTestIssuer(options), JSON.stringify(options)).rejects.toThrow(StartError);
});

it("protects a tRPC procedure without a server", async () => {
  await using issuer = await createTestIssuer({ claims });
  const t = initTRPC.context<BearerContext>().create();
  const auth = trpcAuth(issuer.verifier);
  const router = t.router({ role: t.procedure.concat(auth.procedure).query(({ ctx }) => ctx.auth.role) });
  const as = (token: string) => router.createCaller({ headers: new Headers({ authorization: `Bearer ${token}` }) });
  const token = await issuer.token(writer);
  await expect(as(token).role()).resolves.toBe("writer");
  await expect(as(`${token.slice(0, -5)}AAAAA`).role()).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  await issuer.revoke({ token });
  await expect(as(token).role()).rejects.toMatchObject({ code: "UNAUTHORIZED", cause: { reason: "token_revoked" } });
});

it.each([
  ["a token", ({ token }: Revocable) => ({ token })],
  ["a subject", () => ({ subject: "ada" })],
  ["a client", () => ({ clientId: "web" })],
  ["a grant", ({ refreshToken }: Revocable) => ({ refreshToken })],
])("refuses what was issued once %s is revoked, and no other token", async (_, revocation) => {
  await using issuer = await createTestIssuer();
  const granted = await issuer.grant({ subject: "ada", clientId: "web" });
  const other = await issuer.token({ subject: "bob" });
  await issuer.revoke(revocation(granted));
  await expect(issuer.verifier.verify(granted.token)).rejects.toMatchObject({ reason: "token_revoked" });
  await expect(issuer.verifier.verify(other)).resolves.toMatchObject({ sub: "bob" });
});
type Revocable = { token: string; refreshToken: string };

it("refreshes a grant, and refuses a copied refresh token", async () => {
  await using issuer = await createTestIssuer();
  const first = await issuer.grant({ subject: "ada", clientId: "web" });
  const second = await issuer.refresh(first.refreshToken);
  await expect(issuer.verifier.verify(second.token)).resolves.toMatchObject({ sub: "ada", client_id: "web" });
  issuer.advance(60);
  await expect(issuer.refresh(first.refreshToken)).rejects.toMatchObject({ reason: "invalid_refresh_token" });
  await expect(issuer.verifier.verify(second.token)).rejects.toMatchObject({ reason: "token_revoked" });
});

it("moves its clock only where the test does", async () => {
  await using issuer = await createTestIssuer({ now: NOW });
  const token = await issuer.token({ expiresIn: 60 });
  issuer.advance(59);
  await expect(issuer.verifier.verify(token)).resolves.toMatchObject({ exp: NOW + 60 });
  issuer.advance(1);
  await expect(issuer.verifier.verify(token)).rejects.toMatchObject({ reason: "token_expired" });
  expect(issuer.now()).toBe(NOW + 60);
});

it("refuses a token for another audience, of another issuer and of another scope", async () => {
  await using issuer = await createTestIssuer();
  await using other = await createTestIssuer();
  const refusals = [
    [await issuer.token({ audience: "https://other.test" }), "wrong_audience"],
    [await other.token(), "invalid_token"],
    [await issuer.token({ scope: "orders:read" }), "insufficient_scope"],
  ] as const;
  for (const [token, reason] of refusals)
    await expect(issuer.verifier.verify(token, { scope: "orders:write" })).rejects.toMatchObject({ reason });
});

it("lets a test set the state of the verifier", async () => {
  await using issuer = await createTestIssuer();
  const token = await issuer.token();
  const states: string[] = [];
  const end = issuer.verifier.onStateChange((state) => states.push(state));
  issuer.setState("stale");
  await expect(issuer.verifier.verify(token)).rejects.toMatchObject({ reason: "verifier_stale" });
  issuer.setState("live");
  await expect(issuer.verifier.verify(token)).resolves.toMatchObject({ sub: "test" });
  end();
  issuer.setState("stale");
  expect(states).toEqual(["stale", "live"]);
});

it("publishes keys by which a verifier in production accepts its tokens", async () => {
  await using issuer = await createTestIssuer({ issuer: "https://issuer.test" });
  const fetch = async () => Response.json(issuer.jwks());
  using verifier = createVerifier({ issuer: issuer.issuer, audience: issuer.issuer, follow: false, fetch });
  await verifier.ready;
  await expect(verifier.verify(await issuer.token({ subject: "ada" }))).resolves.toMatchObject({ sub: "ada" });
});
