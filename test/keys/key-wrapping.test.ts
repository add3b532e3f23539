import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StartError } from "../../src/errors.ts";
import { generateKeyPair, loadKeyPair } from "../../src/keys/key-pair.ts";
import { unwrap, wrap } from "../../src/keys/key-wrapping.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { rewrapKeys } from "../../src/service/keys/key-management.ts";
import { createTokenService } from "../../src/service/service.ts";
import { anyCharacter } from "../support/any-character.ts";
import { ISSUER, NOW, openService } from "../support/service.ts";

const kek = randomBytes(32);
const other = randomBytes(32);

describe("wrap", () => {
  it("is reversed by unwrap with the same key and kid", () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter }), fc.string(), (text, kid) => {
        fc.pre(text.isWellFormed());
        expect(unwrap(wrap(text, kid, kek), kid, kek)).toEqual({ outcome: "unwrapped", text });
      }),
    );
  });

  it("encrypts one text differently each time", () => {
    expect(wrap("text", "kid", kek)).not.toBe(wrap("text", "kid", kek));
  });

  it("contains nothing of the text, and of the key only a fingerprint", () => {
    const wrapped = wrap('{"d":"canary"}', "kid", kek);
    expect(wrapped).not.toContain("canary");
    for (const encoding of ["hex", "base64url"] as const)
      expect(wrapped).not.toContain(kek.toString(encoding).slice(0, 11));
  });
});

describe("unwrap", () => {
  const wrapped = wrap("text", "kid", kek);

  it("distinguishes a wrong key, a missing key and an unencrypted text", () => {
    expect(unwrap(wrapped, "kid", other)).toEqual({ outcome: "other-kek" });
    expect(unwrap(wrapped, "kid", undefined)).toEqual({ outcome: "kek-missing" });
    expect(unwrap('{"kty":"EC"}', "kid", kek)).toEqual({ outcome: "not-encrypted" });
  });

  it("refuses the encrypted text of another kid", () => {
    expect(unwrap(wrapped, "another", kek)).toEqual({ outcome: "damaged" });
  });

  it("refuses every changed or missing character", () => {
    for (let at = 0; at < wrapped.length; at += 1) {
      const changed = `${wrapped.slice(0, at)}${wrapped[at] === "A" ? "B" : "A"}${wrapped.slice(at + 1)}`;
      const cut = wrapped.slice(0, at);
      expect(unwrap(changed, "kid", kek).outcome).not.toBe("unwrapped");
      expect(unwrap(cut, "kid", kek).outcome).not.toBe("unwrapped");
    }
  });
});

describe("unwrap of another encoding of the same bytes", () => {
  it("refuses set unused bits, padding, the other alphabet, white space and additional parts", () => {
    const [prefix = "", fingerprint = "", body = ""] = wrap("text", "kid", kek).split(".");
    expect(body).toHaveLength(43);
    const lastTwin = Buffer.from(body.slice(0, -1) + twinOf(body.at(-1) ?? "")).toString();
    expect(Buffer.from(lastTwin, "base64url")).toEqual(Buffer.from(body, "base64url"));
    const padded = Buffer.from(body, "base64url").toString("base64");
    for (const other of [lastTwin, padded, `${body}=`, `${body}\n`, `${body}.`, `${body}.x`, ` ${body}`])
      expect(unwrap([prefix, fingerprint, other].join("."), "kid", kek), other).toEqual({ outcome: "damaged" });
  });
});

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Another character of the same bits, where the last two are unused. */
function twinOf(last: string): string {
  return ALPHABET[ALPHABET.indexOf(last) ^ 1] ?? "";
}

describe("a private key at rest", () => {
  it("loads only with its key-encryption key; the error is one line and names the setting", async () => {
    const key = { alg: "ES256", createdAt: NOW, activatesAt: NOW, follows: "" } as const;
    const wrapped = await generateKeyPair({ ...key, kek });
    const plain = await generateKeyPair(key);
    expect(wrapped.privateJwk).toMatch(/^sealed\./);
    expect((await loadKeyPair(wrapped, kek)).signing.kid).toBe(wrapped.kid);
    for (const [stored, given, words] of [
      [wrapped, other, "MINTMARK_KEK is not the key"],
      [wrapped, undefined, "set MINTMARK_KEK"],
      [plain, kek, "run  mintmark keys rewrap"],
    ] as const) {
      const failure: unknown = await loadKeyPair(stored, given).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(StartError);
      expect(String(failure)).toContain(words);
      expect(String(failure)).not.toContain("\n");
    }
  });

  it("is encrypted by every server with a key-encryption key; one command re-encrypts all keys or none", async () => {
    await using opened = await openService();
    await opened.service.keys.rotate(localCaller, { immediate: true });
    const { token } = await opened.service.getToken(localCaller, { claims: {} });
    const { store } = opened;

    expect(await rewrapKeys(store, { from: undefined, to: kek })).toBe(2);
    for (const { privateJwk } of await store.listKeys()) expect(privateJwk).toMatch(/^sealed\./);
    await expect(createTokenService({ store })).rejects.toThrow(/set MINTMARK_KEK/);

    await expect(rewrapKeys(store, { from: other, to: kek })).rejects.toThrow(StartError);
    await expect(opened.service.keys.rotate(localCaller, { immediate: true })).rejects.toMatchObject({
      reason: "kek_changed",
    });
    expect(await rewrapKeys(store, { from: kek, to: other })).toBe(2);
    await expect(createTokenService({ store, kek })).rejects.toThrow(/MINTMARK_KEK is not the key/);
    const again = await createTokenService({ store, kek: other, issuer: ISSUER, clock: () => NOW });
    await expect(again.verifyToken({ token })).resolves.toMatchObject({ iss: ISSUER });
    await again.keys.rotate(localCaller, { immediate: true });
    for (const { privateJwk } of await store.listKeys()) expect(privateJwk).toMatch(/^sealed\./);
  });

  it("is not re-encrypted if one is damaged or another was added concurrently", async () => {
    await using opened = await openService();
    const { store } = opened;
    const damaged = (await store.listKeys()).map((key) => ({ ...key, privateJwk: "no key" }));
    const listing = (keys: typeof damaged) => ({ ...store, listKeys: async () => keys });
    await expect(rewrapKeys(listing(damaged), { from: undefined, to: kek })).rejects.toThrow(/is damaged/);
    const before = await store.listKeys();
    await opened.service.keys.rotate(localCaller, { immediate: true });
    await expect(rewrapKeys(listing(before), { from: undefined, to: kek })).rejects.toMatchObject({
      reason: "conflict",
    });
    for (const { privateJwk } of await store.listKeys()) expect(privateJwk).toMatch(/^\{/);
  });
});
