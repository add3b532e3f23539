import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { PUBLISH_AHEAD } from "../../src/keys/lifecycle.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { createTokenService } from "../../src/service/service.ts";
import { ISSUER, NOW, openService } from "../support/service.ts";

describe("getToken", () => {
  it("issues an access token as RFC 9068 §2 describes it", async () => {
    await using opened = await openService();
    const { token, ...rest } = await opened.service.getToken(localCaller, {
      subject: "ada",
      scope: "orders:read",
      expiresIn: 60,
      claims: { role: "reader" },
    });
    expect(rest).toEqual({ tokenType: "Bearer", expiresIn: 60, scope: "orders:read" });
    const [jwk] = opened.service.jwks().keys;
    expect(decodeProtectedHeader(token)).toEqual({ alg: "ES256", typ: "at+jwt", kid: jwk?.kid });
    expect(decodeJwt(token)).toEqual({
      iss: ISSUER,
      sub: "ada",
      aud: ISSUER,
      iat: NOW,
      exp: NOW + 60,
      jti: expect.stringMatching(/^[\w-]{24}$/),
      client_id: "local",
      scope: "orders:read",
      role: "reader",
    });
  });

  it("defaults to the caller as the subject and to 900 seconds", async () => {
    await using opened = await openService();
    const { token, expiresIn } = await opened.service.getToken({ ...localCaller, clientId: "billing" }, { claims: {} });
    expect(expiresIn).toBe(900);
    expect(decodeJwt(token)).toMatchObject({ sub: "billing", client_id: "billing", exp: NOW + 900 });
  });

  it("never issues two tokens with the same jti", async () => {
    await using opened = await openService();
    const tokens = await Promise.all(
      Array.from({ length: 200 }, () => opened.service.getToken(localCaller, { claims: {} })),
    );
    expect(new Set(tokens.map(({ token }) => decodeJwt(token).jti)).size).toBe(200);
  });

  it("signs nothing that verification would refuse, with any claims schema", async () => {
    await using opened = await openService({ claims: z.record(z.string(), z.unknown()) });
    const unfit = [{ nbf: "x" }, { a: Number.NaN }, { a: 1n }, { a: undefined }, { a: new Map() }, { toJSON: 1 }];
    for (const claims of unfit) {
      await expect(opened.service.getToken(localCaller, { claims })).rejects.toMatchObject({
        reason: "invalid_request",
      });
    }
    for (const expiresIn of [0, -1, 1.5, 86401, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(opened.service.getToken(localCaller, { claims: {}, expiresIn })).rejects.toMatchObject({
        reason: "invalid_request",
      });
    }
  });
});

describe("verifyToken", () => {
  it("accepts a token until the second in which it expires", async () => {
    await using opened = await openService();
    const { token } = await opened.service.getToken(localCaller, { claims: {}, expiresIn: 10 });
    opened.clock.now = NOW + 9;
    await expect(opened.service.verifyToken({ token })).resolves.toMatchObject({ exp: NOW + 10 });
    opened.clock.now = NOW + 10;
    await expect(opened.service.verifyToken({ token })).rejects.toMatchObject({ reason: "token_expired" });
  });

  it("requires the given audience, by default its own", async () => {
    await using opened = await openService({ audience: "billing" });
    const { token } = await opened.service.getToken(localCaller, { claims: {}, audience: "orders" });
    await expect(opened.service.verifyToken({ token, audience: "orders" })).resolves.toMatchObject({ aud: "orders" });
    await expect(opened.service.verifyToken({ token })).rejects.toMatchObject({ reason: "wrong_audience" });
  });

  it("requires every given scope token", async () => {
    await using opened = await openService();
    const { token } = await opened.service.getToken(localCaller, { claims: {}, scope: "orders:read orders:write" });
    await expect(opened.service.verifyToken({ token, scope: "orders:write orders:read" })).resolves.toBeDefined();
    for (const scope of ["orders", "orders:read users:read", "ORDERS:READ"]) {
      await expect(opened.service.verifyToken({ token, scope })).rejects.toMatchObject({
        reason: "insufficient_scope",
      });
    }
  });

  it("refuses the token of another issuer with the same keys", async () => {
    await using opened = await openService();
    const other = await createTokenService({ store: opened.store, issuer: "https://other.example", clock: () => NOW });
    const { token } = await other.getToken(localCaller, { claims: {}, audience: ISSUER });
    await expect(opened.service.verifyToken({ token })).rejects.toMatchObject({ reason: "wrong_issuer" });
  });

  it("refuses a token whose claims its schema does not accept", async () => {
    await using opened = await openService();
    const strict = await createTokenService({
      store: opened.store,
      issuer: ISSUER,
      clock: () => NOW,
      claims: z.object({ role: z.enum(["reader", "writer"]) }),
    });
    const { token } = await opened.service.getToken(localCaller, { claims: { role: "owner" } });
    await expect(strict.verifyToken({ token })).rejects.toMatchObject({ reason: "invalid_token" });
  });
});

describe("createTokenService", () => {
  it("generates one key at the first start and loads it at the next", async () => {
    await using opened = await openService();
    const again = await createTokenService({ store: opened.store });
    expect(again.jwks()).toEqual(opened.service.jwks());
  });

  it("generates the next key with a changed algorithm, published ahead, and still verifies with the old one", async () => {
    await using opened = await openService();
    const { token } = await opened.service.getToken(localCaller, { claims: {} });
    const clock = { now: NOW };
    const changed = await createTokenService({
      store: opened.store,
      alg: "EdDSA",
      issuer: ISSUER,
      clock: () => clock.now,
    });
    const algorithm = async () =>
      decodeProtectedHeader((await changed.getToken(localCaller, { claims: {} })).token).alg;
    expect(
      changed
        .jwks()
        .keys.map(({ alg }) => alg)
        .sort(),
    ).toEqual(["ES256", "EdDSA"]);
    expect(await algorithm()).toBe("ES256");
    clock.now = NOW + PUBLISH_AHEAD;
    expect(await algorithm()).toBe("EdDSA");
    await expect(changed.verifyToken({ token })).resolves.toBeDefined();
  });

  it("issues typed claims within the process, and refuses registered ones", async () => {
    const claims = z.object({ role: z.enum(["reader", "writer"]) });
    await using opened = await openService({ claims });
    const { token } = await opened.service.getToken(localCaller, { subject: "ada", claims: { role: "writer" } });
    expect((await opened.service.verifyToken({ token })).role).toBe("writer");
    // @ts-expect-error: the claims are typed
    await expect(opened.service.getToken(localCaller, { claims: { role: "x" } })).rejects.toMatchObject({
      reason: "invalid_request",
    });
    for (const name of ["scope", "sid", "nbf", "sub", "act"]) {
      const forged = { claims: { role: "writer", [name]: "admin" } } as never;
      await expect(opened.service.getToken(localCaller, forged), name).rejects.toMatchObject({
        reason: "invalid_request",
      });
    }
  });

  it("refuses a rotation too short to publish keys ahead", async () => {
    await expect(openService({ rotation: 2 * PUBLISH_AHEAD - 1 })).rejects.toThrow(
      /createTokenService: rotation must be at least 1320 seconds/,
    );
  });

  it("with a secret accepts HS256 only, and leaves the stored keys unused", async () => {
    await using opened = await openService();
    const { token } = await opened.service.getToken(localCaller, { claims: {} });
    const secret = "correct horse battery staple, twice over";
    const shared = await createTokenService({ store: opened.store, secret, issuer: ISSUER, clock: () => NOW });
    expect(shared.jwks()).toEqual({ keys: [] });
    await expect(shared.verifyToken({ token })).rejects.toMatchObject({ reason: "invalid_token" });
    const own = await shared.getToken(localCaller, { claims: {} });
    expect(decodeProtectedHeader(own.token).alg).toBe("HS256");
    await expect(shared.verifyToken({ token: own.token })).resolves.toMatchObject({ iss: ISSUER });
    await expect(opened.service.verifyToken({ token: own.token })).rejects.toMatchObject({ reason: "invalid_token" });
  });

  it("refuses a schema that redefines a registered claim", async () => {
    await expect(openService({ claims: z.object({ sub: z.string(), exp: z.number() }) })).rejects.toThrow(
      /registered claims \(sub, exp\)/,
    );
  });
});
