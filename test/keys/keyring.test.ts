import { describe, expect, test } from "vitest";
import { StartError } from "../../src/errors.ts";
import { createSecretKeyring } from "../../src/keys/keyring.ts";
import { importPublicJwk } from "../../src/keys/public-jwk.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { verifyJws } from "../../src/token/jws.ts";
import { signJws } from "../../src/token/sign.ts";
import {
  forge,
  goodClaims,
  goodHeader,
  keyringOf,
  openForges,
  openPairForge,
  openSecretForge,
} from "../support/forge.ts";
import { expectRefused, failureOf, leaks, verify } from "../support/refusal.ts";
import { NOW, openService } from "../support/service.ts";

const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "k", "oth"];

const forges = await openForges();
const stored = forges.pairs.map(({ stored }) => stored);
const newer = await openPairForge("ES256");
const pending = { ...newer.stored, activatesAt: NOW + 1, follows: stored.at(-1)?.kid ?? "" };

describe("a keyring of key pairs", () => {
  test("keyringAt signs with the last activated key, from that second on", async () => {
    expect((await keyringOf([...stored, pending])).signing.kid).toBe(stored.at(-1)?.kid);
    expect((await keyringOf([...stored, pending], NOW + 1)).signing.kid).toBe(newer.kid);
  });

  test("keyringAt verifies with every published key, pending and retiring ones included", async () => {
    const keyring = await keyringOf([...stored, pending]);
    for (const by of [...forges.pairs, newer]) {
      expect(await verify(forge(by), { keyring })).toEqual(goodClaims());
      expect(await verifyJws(await signJws("{}", by.keyring.signing), keyring.lookup)).toBeDefined();
    }
  });

  test("keyringAt has no revoked key and no key whose last token has expired", async () => {
    const killed = await keyringOf([...stored, { ...pending, killedAt: NOW }]);
    expect(killed.lookup(newer.kid)).toBeUndefined();
    const later = await keyringOf([...stored, pending], NOW + 1 + 86400 + 60);
    expect(later.jwks.keys.map(({ kid }) => kid)).toEqual([newer.kid]);
  });

  test("keyringAt throws without a signing key", async () => {
    await expect(keyringOf([])).rejects.toThrow(StartError);
  });

  test("keyringAt signs with the first key where all are pending by a clock that was set back", async () => {
    expect((await keyringOf([pending], NOW - 1000)).signing.kid).toBe(newer.kid);
  });

  test("keyringAt finds a kid exactly, and no inherited property", async () => {
    const { lookup } = await keyringOf(stored);
    for (const { kid } of stored) expect(lookup(kid)?.kid).toBe(kid);
    for (const kid of ["", "__proto__", "constructor", "toString", newer.kid, `${forges.es256.kid} `]) {
      expect(lookup(kid)).toBeUndefined();
    }
  });

  test("keyringAt publishes every verification key without private members", async () => {
    const { keys } = (await keyringOf([...stored, pending])).jwks;
    expect(keys.map(({ kid }) => kid).sort()).toEqual([...stored, pending].map(({ kid }) => kid).sort());
    for (const jwk of keys) {
      expect(Object.keys(jwk).filter((name) => PRIVATE_MEMBERS.includes(name))).toEqual([]);
      expect(await importPublicJwk(jwk)).toMatchObject({ kid: jwk.kid });
      expect(jwk).toMatchObject({ use: "sig", alg: expect.any(String), kid: expect.stringMatching(/^[\w-]{43}$/) });
    }
  });

  test("keyringAt publishes no value of a private half", async () => {
    const published = new Error(JSON.stringify((await keyringOf([...stored, pending])).jwks));
    for (const { privateJwk } of [...stored, pending]) {
      const secret: Record<string, string> = JSON.parse(privateJwk);
      for (const member of PRIVATE_MEMBERS) expect(leaks(published, secret[member] ?? "")).toEqual([]);
    }
  });
});

describe("a keyring of one shared secret", () => {
  test("createSecretKeyring refuses fewer than 32 bytes and names a command that generates a secret (RFC 7518 §3.2)", () => {
    for (const [secret, bytes] of [
      ["", 0],
      ["x", 1],
      ["s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3c", 31],
      ["é".repeat(15), 30],
    ] as const) {
      const command = `node -p "crypto.randomBytes(32).toString('base64url')"`;
      const message = `MINTMARK_SECRET has ${bytes} bytes and needs at least 32: make one with  ${command}`;
      expect(() => createSecretKeyring(secret)).toThrow(new StartError(message));
    }
  });

  test("createSecretKeyring quotes nothing of a refused secret", async () => {
    const secret = "correct-horse-battery-staple-31";
    const error = await failureOf((async () => createSecretKeyring(secret))());
    expect(error).toBeInstanceOf(StartError);
    expect(leaks(error as StartError, secret)).toEqual([]);
  });

  test("createSecretKeyring accepts 32 bytes, not characters", () => {
    for (const secret of ["x".repeat(32), "é".repeat(16), "😀".repeat(8), "x".repeat(1000)]) {
      expect(createSecretKeyring(secret).signing.alg).toBe("HS256");
    }
  });

  test("createSecretKeyring publishes no key", () => {
    expect(createSecretKeyring("x".repeat(32)).jwks).toEqual({ keys: [] });
  });

  test("createSecretKeyring derives the kid from the secret", () => {
    const kid = createSecretKeyring("x".repeat(32)).signing.kid;
    expect(kid).toMatch(/^[\w-]{22}$/);
    expect(createSecretKeyring("x".repeat(32)).signing.kid).toBe(kid);
    expect(createSecretKeyring(`${"x".repeat(31)}y`).signing.kid).not.toBe(kid);
  });

  test("createSecretKeyring verifies its own tokens and refuses those of another secret or a key pair", async () => {
    const { hs256, pairs: pairForges } = forges;
    const stranger = openSecretForge("another secret, which is as long as it needs to be");
    expect(await verify(forge(hs256), hs256)).toEqual(goodClaims());
    await expectRefused(forge(stranger), hs256);
    await expectRefused(forge(stranger, { header: goodHeader(hs256) }), hs256);
    for (const by of pairForges) {
      await expectRefused(forge(by), hs256);
      await expectRefused(forge(by, { header: goodHeader({ alg: by.alg, kid: hs256.kid }) }), hs256);
    }
  });

  test("createTokenService with a secret signs with it and publishes no key", async () => {
    await using opened = await openService({ secret: "x".repeat(32) });
    const { token } = await opened.service.getToken(localCaller, { claims: {} });
    expect(await opened.service.verifyToken({ token })).toMatchObject({ sub: "local" });
    expect(opened.service.jwks()).toEqual({ keys: [] });
    expect(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()).toContain('"alg":"HS256"');
  });
});
