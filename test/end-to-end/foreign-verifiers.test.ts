import { createRemoteJWKSet, jwtVerify } from "jose";
import { describe, expect, test } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { systemClock } from "../../src/time.ts";
import { testWith } from "../support/optional.ts";
import { findPython, runPython } from "../support/python.ts";
import { openServer } from "../support/service.ts";

const ISSUER = "https://tokens.example";
const AUDIENCE = "orders";
const ALGORITHMS = ["ES256", "ES384", "RS256", "PS256", "EdDSA"] as const;

type Signature = { alg: (typeof ALGORITHMS)[number] } | { secret: string };

/** A server with the clock of the system, which other verifiers use, and a token of it. */
async function issue(signature: Signature) {
  const server = await openServer({ ...signature, clock: systemClock, issuer: ISSUER });
  const client = createTokenClient({ url: server.url });
  const { token } = await client.getToken.query({ subject: "ada", audience: AUDIENCE, claims: { role: "reader" } });
  const jwks = `${server.url}/.well-known/jwks.json`;
  return { token, altered: alterPayload(token), jwks, [Symbol.asyncDispose]: server[Symbol.asyncDispose] };
}

function alterPayload(token: string): string {
  const [header, payload = "", signature] = token.split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
  return [header, Buffer.from(JSON.stringify({ ...claims, sub: "eve" })).toString("base64url"), signature].join(".");
}

const CLAIMS = { iss: ISSUER, aud: AUDIENCE, sub: "ada", client_id: "local", role: "reader" };

describe.concurrent("jose", () => {
  test.each(ALGORITHMS)("verifies a token of %s by the served JWK Set, and refuses an altered one", async (alg) => {
    await using issued = await issue({ alg });
    const keys = createRemoteJWKSet(new URL(issued.jwks));
    const options = { issuer: ISSUER, audience: AUDIENCE, typ: "at+jwt", algorithms: [alg] };

    const { payload } = await jwtVerify(issued.token, keys, options);

    expect(payload).toMatchObject(CLAIMS);
    await expect(jwtVerify(issued.altered, keys, options)).rejects.toThrow("signature verification failed");
  });
});

const required = process.env.MINTMARK_TEST_PYTHON === "required";

describe.concurrent("PyJWT", () => {
  const python = findPython("jwt", "cryptography");
  const testPyJwt = testWith({ program: "PyJWT", found: python !== undefined, required });

  for (const alg of ALGORITHMS) {
    testPyJwt(`verifies a token of ${alg} by the served JWK Set, and refuses an altered one`, async () => {
      await using issued = await issue({ alg });
      const { token, altered, jwks: url } = issued;

      const seen = await runPython(python ?? "", PYJWT, { token, altered, url, alg, aud: AUDIENCE, iss: ISSUER });

      expect(seen).toEqual({ claims: expect.objectContaining(CLAIMS), refusal: "InvalidSignatureError" });
    });
  }

  testPyJwt("verifies a token of HS256 by the shared secret, and by no other one", async () => {
    const secret = "the shared secret of both services";
    await using issued = await issue({ secret });
    const { token } = issued;

    const check = { token, alg: "HS256", aud: AUDIENCE, iss: ISSUER };
    const seen = await runPython(python ?? "", PYJWT, { ...check, altered: token, secret, other: `${secret}!` });

    expect(seen).toEqual({ claims: expect.objectContaining(CLAIMS), refusal: "InvalidSignatureError" });
    expect(await (await fetch(issued.jwks)).json()).toEqual({ keys: [] });
  });
});

describe.concurrent("python-jose", () => {
  const python = findPython("jose", "cryptography");
  const testJose = testWith({ program: "python-jose", found: python !== undefined, required });

  // It supports neither PS256 nor EdDSA.
  for (const alg of ["ES256", "ES384", "RS256"] as const) {
    testJose(`verifies a token of ${alg} by the served JWK Set, and refuses an altered one`, async () => {
      await using issued = await issue({ alg });
      const { token, altered, jwks: url } = issued;

      const seen = await runPython(python ?? "", PYTHON_JOSE, { token, altered, url, alg, aud: AUDIENCE, iss: ISSUER });

      expect(seen).toEqual({ claims: expect.objectContaining(CLAIMS), refusal: "JWTError" });
    });
  }
});

const PYJWT = `
import json, sys, jwt
given = json.load(sys.stdin)
def key(token, secret):
    return given[secret] if secret in given else jwt.PyJWKClient(given["url"]).get_signing_key_from_jwt(token).key
def decode(token, secret):
    return jwt.decode(token, key(token, secret), algorithms=[given["alg"]], audience=given["aud"], issuer=given["iss"])
claims = decode(given["token"], "secret")
try:
    decode(given["altered"], "other")
    refusal = None
except jwt.PyJWTError as error:
    refusal = type(error).__name__
json.dump({"claims": claims, "refusal": refusal}, sys.stdout)
`;

const PYTHON_JOSE = `
import json, sys, urllib.request
from jose import jwt, JWTError
given = json.load(sys.stdin)
keys = json.load(urllib.request.urlopen(given["url"]))
def decode(token):
    return jwt.decode(token, keys, algorithms=[given["alg"]], audience=given["aud"], issuer=given["iss"])
claims = decode(given["token"])
try:
    decode(given["altered"])
    refusal = None
except JWTError as error:
    refusal = type(error).__name__
json.dump({"claims": claims, "refusal": refusal}, sys.stdout)
`;
