import { createLocalJWKSet, jwtVerify } from "jose";
import { expect, it } from "vitest";
import { JWKS_MAX_AGE } from "../../src/keys/lifecycle.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { createTokenService, type TokenService } from "../../src/service/service.ts";
import { ISSUER, NOW, openService } from "../support/service.ts";

const DAY = 86400;
const HOUR = 3600;

/** A standard verifier: it caches the JWK Set by its `Cache-Control`. */
function cachingVerifier(service: () => TokenService) {
  let cached = { at: Number.NEGATIVE_INFINITY, keys: createLocalJWKSet({ keys: [] }) };
  return (token: string, now: number) => {
    if (now >= cached.at + JWKS_MAX_AGE) cached = { at: now, keys: createLocalJWKSet(service().jwks()) };
    return jwtVerify(token, cached.keys, { issuer: ISSUER, audience: ISSUER, currentDate: new Date(now * 1000) });
  };
}

it("two servers that rotate, restart and have keys revoked for a year refuse no valid token", async () => {
  await using opened = await openService();
  const { clock, store } = opened;
  const restart = () => createTokenService({ store, issuer: ISSUER, clock: () => clock.now });
  const servers = { one: await restart(), other: await restart() };
  const verify = cachingVerifier(() => servers.other);
  const signers = new Set<string | undefined>();
  let yesterday = "";

  for (let day = 0; day < 366; day += 1) {
    for (let hour = 0; hour < 24; hour += 6) {
      clock.now = NOW + day * DAY + hour * HOUR;
      await servers.other.maintenance();
      await servers.one.maintenance();
    }
    if (day % 40 === 7) servers.one = await restart();
    if (day % 40 === 27) servers.other = await restart();

    const { token } = await servers.one.getToken(localCaller, { claims: {}, expiresIn: DAY });
    signers.add(servers.one.jwks().keys.find(({ kid }) => kidOf(token) === kid)?.kid);
    await expect(servers.other.verifyToken({ token })).resolves.toBeDefined();
    await expect(verify(token, clock.now)).resolves.toBeDefined();
    if (yesterday !== "") {
      clock.now -= 1;
      const verified = servers.one.verifyToken({ token: yesterday });
      await (day % 100 === 51
        ? expect(verified).rejects.toMatchObject({ reason: "invalid_token" })
        : expect(verified).resolves.toBeDefined());
      clock.now += 1;
    }
    // A leak, every hundred days: the key is revoked, and the token of this day with it.
    if (day % 100 === 50) await servers.other.keys.revoke(localCaller, kidOf(token));
    yesterday = token;
  }

  expect(signers.size).toBeGreaterThanOrEqual(14);
  expect(servers.one.jwks().keys.length).toBeLessThanOrEqual(3);
}, 60_000);

function kidOf(token: string): string {
  return JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()).kid;
}
