import { describe, expect, test } from "vitest";
import { StartError } from "../../src/errors.ts";
import { type KeyPair, loadKeyPair } from "../../src/keys/key-pair.ts";
import { createKeyring, createSecretKeyring } from "../../src/keys/keyring.ts";
import { importPublicJwk } from "../../src/keys/public-jwk.ts";
import { signJws, verifyJws } from "../../src/token/jws.ts";
import { forge, goodClaims, goodHeader, openForges, openPairForge, openSecretForge } from "../support/forge.ts";
import { expectRefused, failureOf, leaks, verify } from "../support/refusal.ts";
import { NOW, openService } from "../support/service.ts";

const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "k", "oth"];

const forges = await openForges();
const newer = await openPairForge("ES256");
const pairs: KeyPair[] = await Promise.all(forges.pairs.map(({ stored }) => loadKeyPair(stored)));
const newest: KeyPair = await loadKeyPair({ ...newer.stored, createdAt: NOW + 1 });

describe("a keyring of key pairs", () => {
  test("createKeyring signs with the newest key of the algorithm, in whatever order they come", () => {
    for (const order of [
      [newest, ...pairs],
      [...pairs, newest],
    ]) {
      expect(createKeyring(order, "ES256").signing.kid).toBe(newer.kid);
      expect(createKeyring(order, "PS256").signing.kid).toBe(forges.ps256.kid);
    }
  });

  test("createKeyring verifies by every key, those that no longer sign among them", async () => {
    const keyring = createKeyring([newest, ...pairs], "ES256");
    for (const by of [...forges.pairs, newer]) {
      expect(await verify(forge(by), { keyring })).toEqual(goodClaims());
      expect(await verifyJws(await signJws(Buffer.from("{}"), by.keyring.signing), keyring.lookup)).toBeDefined();
    }
  });

  test("createKeyring refuses an algorithm that it has no key for", () => {
    expect(() => createKeyring([], "ES256")).toThrow(StartError);
    expect(() => createKeyring([newest], "ES384")).toThrow(new StartError("There is no ES384 key to sign with"));
    // The shared secret is none of the key pairs, so HS256 is never theirs.
    expect(() => createKeyring(pairs, "HS256")).toThrow(StartError);
  });

  test("createKeyring looks up a kid exactly, and nothing that every object has", () => {
    const { lookup } = createKeyring(pairs, "ES256");
    for (const { kid } of forges.pairs) expect(lookup(kid)?.kid).toBe(kid);
    for (const kid of ["", "__proto__", "constructor", "toString", newer.kid, `${forges.es256.kid} `]) {
      expect(lookup(kid)).toBeUndefined();
    }
  });

  test("createKeyring publishes every key, the newest first, and no private member of any", async () => {
    const { keys } = createKeyring([...pairs, newest], "ES256").jwks;
    expect(keys.map(({ kid }) => kid)).toEqual([newer.kid, ...forges.pairs.map(({ kid }) => kid)]);
    for (const jwk of keys) {
      expect(Object.keys(jwk).filter((name) => PRIVATE_MEMBERS.includes(name))).toEqual([]);
      expect(await importPublicJwk(jwk)).toMatchObject({ kid: jwk.kid });
      expect(jwk).toMatchObject({ use: "sig", alg: expect.any(String), kid: expect.stringMatching(/^[\w-]{43}$/) });
    }
  });

  test("createKeyring publishes nothing that is in a private half", () => {
    const published = new Error(JSON.stringify(createKeyring([...pairs, newest], "ES256").jwks));
    for (const { stored } of [...forges.pairs, newer]) {
      const secret: Record<string, string> = JSON.parse(stored.privateJwk);
      for (const member of PRIVATE_MEMBERS) expect(leaks(published, secret[member] ?? "")).toEqual([]);
    }
  });
});

describe("a keyring of one shared secret", () => {
  test("createSecretKeyring refuses fewer than 32 bytes, and says with which command to make enough (RFC 7518 §3.2)", () => {
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

  test("createSecretKeyring tells nothing of a secret that it refuses", async () => {
    const secret = "correct-horse-battery-staple-31";
    const error = await failureOf((async () => createSecretKeyring(secret))());
    expect(error).toBeInstanceOf(StartError);
    expect(leaks(error as StartError, secret)).toEqual([]);
  });

  test("createSecretKeyring takes 32 bytes, and counts bytes and not characters", () => {
    for (const secret of ["x".repeat(32), "é".repeat(16), "😀".repeat(8), "x".repeat(1000)]) {
      expect(createSecretKeyring(secret).signing.alg).toBe("HS256");
    }
  });

  test("createSecretKeyring publishes no key", () => {
    expect(createSecretKeyring("x".repeat(32)).jwks).toEqual({ keys: [] });
  });

  test("createSecretKeyring gives one secret one name, and another secret another", () => {
    const kid = createSecretKeyring("x".repeat(32)).signing.kid;
    expect(kid).toMatch(/^[\w-]{22}$/);
    expect(createSecretKeyring("x".repeat(32)).signing.kid).toBe(kid);
    expect(createSecretKeyring(`${"x".repeat(31)}y`).signing.kid).not.toBe(kid);
  });

  test("createSecretKeyring verifies what it signs and refuses what another secret or a key pair signs", async () => {
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

  test("createTokenService with a secret signs by it and publishes no key", async () => {
    await using opened = await openService({ secret: "x".repeat(32) });
    const { token } = await opened.service.getToken({ clientId: "local" }, { claims: {} });
    expect(await opened.service.verifyToken({ token })).toMatchObject({ sub: "local" });
    expect(opened.service.jwks()).toEqual({ keys: [] });
    expect(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()).toContain('"alg":"HS256"');
  });
});
