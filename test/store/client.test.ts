import { describe, expect, it } from "vitest";
import { endOf, hasCredential, keyCredentialOf, MACHINE_CLIENT } from "../../src/store/client.ts";
import { NOW } from "../support/service.ts";
import { aClient } from "./samples.ts";

const key = { kty: "OKP", crv: "Ed25519", x: "one", kid: "a" };
const secrets = [
  { hash: "current", createdAt: NOW },
  { hash: "ending", createdAt: NOW, expiresAt: NOW + 60 },
];

const withSecret = aClient({ secrets });
/** Its secrets are those that an earlier release gave it. */
const withKeys = aClient({ ...MACHINE_CLIENT, authMethod: "private_key_jwt", jwks: { keys: [key] }, secrets });
const atUrl = aClient({ authMethod: "private_key_jwt", jwksUri: "https://ci.example/jwks.json", secrets });
const isPublic = aClient({ authMethod: "none", secrets });

/** Text that stands for no credential. */
const NONE = ["", "undefined", "null", "none", "[]", '["none",null,null]', '["private_key_jwt",null,null]'];

describe("the credential of a client", () => {
  it("is the hash of a secret that has not expired", () => {
    expect(["current", "ending"].map((hash) => endOf(withSecret, hash))).toEqual([undefined, NOW + 60]);
    expect(hasCredential(withSecret, "ending", NOW + 59)).toBe(true);
    expect(hasCredential(withSecret, "ending", NOW + 60)).toBe(false);
    expect(keyCredentialOf(withSecret)).toBeUndefined();
  });

  it.each([withKeys, atUrl, isPublic])("is that of its keys and its method, and no secret: $authMethod", (client) => {
    const credential = keyCredentialOf(client) ?? expect.fail();
    expect(hasCredential(client, credential, NOW)).toBe(true);
    for (const { hash } of secrets) expect(hasCredential(client, hash, NOW)).toBe(false);
    const others = [withSecret, withKeys, atUrl, isPublic].filter((other) => other !== client);
    for (const other of others) expect(hasCredential(other, credential, NOW)).toBe(false);
  });

  it("ends when the keys are replaced, and not when they are stored again or other fields change", () => {
    const credential = keyCredentialOf(withKeys) ?? expect.fail();
    const stored = JSON.parse(JSON.stringify({ ...withKeys, name: "other", permissions: [], grants: [] }));
    expect(hasCredential(stored, credential, NOW)).toBe(true);
    for (const keys of [[], [{ ...key, x: "other" }], [{ ...key, kid: "b" }], [key, key]])
      expect(hasCredential({ ...withKeys, jwks: { keys } }, credential, NOW)).toBe(false);
    expect(hasCredential({ ...withKeys, jwks: undefined, jwksUri: atUrl.jwksUri }, credential, NOW)).toBe(false);
  });

  it.each([withSecret, withKeys, atUrl])("is not what stands for none: $authMethod", (client) => {
    for (const text of NONE) expect(hasCredential(client, text, NOW)).toBe(false);
  });
});
