import { generateKeyPairSync, type JsonWebKey, type KeyObject, randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import type { PresentedCredentials } from "../../src/token/decode-basic.ts";
import { ISSUER, NOW } from "./service.ts";

export type ClientKey = { alg: "ES256" | "RS256"; privateKey: KeyObject; jwk: JsonWebKey };

export function newClientKey(alg: ClientKey["alg"] = "ES256"): ClientKey {
  const { privateKey, publicKey } =
    alg === "ES256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { alg, privateKey, jwk: publicKey.export({ format: "jwk" }) };
}

export type AssertionOf = { clientId: string; key: ClientKey; claims?: Record<string, unknown>; kid?: string };

/** An assertion of a client (RFC 7523 §3), with a new `jti`, that expires 10 minutes after {@link NOW}. */
export function assertionOf({ clientId, key, claims = {}, kid }: AssertionOf): Promise<string> {
  const payload = { iss: clientId, sub: clientId, aud: ISSUER, exp: NOW + 600, jti: randomUUID(), ...claims };
  const { alg, privateKey } = key;
  return new SignJWT(payload).setProtectedHeader({ alg, ...(kid !== undefined && { kid }) }).sign(privateKey);
}

/** A new assertion as credentials. */
export async function presentAssertion(options: AssertionOf): Promise<PresentedCredentials> {
  return { method: "private_key_jwt", clientId: options.clientId, assertion: await assertionOf(options) };
}
