import { exportPKCS8 } from "jose";
import { describe, expect } from "vitest";
import { testWith } from "../../support/optional.ts";
import { METHODS, openIssuer, tokensOf } from "../../support/peers.ts";
import { findPython, runPython } from "../../support/python.ts";
import { addResource, MCP } from "../../support/resources.ts";

const required = process.env.MINTMARK_TEST_PYTHON === "required";

describe("Authlib", () => {
  const python = findPython("authlib", "requests", "cryptography");
  const testAuthlib = testWith({ program: "Authlib", found: python !== undefined, required });

  testAuthlib("gets, introspects and revokes tokens by every method, and verifies them", async () => {
    await using issuer = await openIssuer();
    await addResource(issuer.service);
    const clients = await Promise.all(METHODS.map(async (method) => ({ method, ...(await issuer.addPeer(method)) })));
    const { good, audience, refused } = await tokensOf(issuer);
    const key = await exportPKCS8(issuer.privateKey);
    const given = {
      issuer: issuer.issuer,
      clients,
      key,
      resource: MCP,
      good,
      audience,
      refused: Object.values(refused),
    };

    const seen = await runPython(python ?? "", AUTHLIB, given);

    const claims = { iss: issuer.issuer, aud: MCP, scope: "tools:read" };
    expect(seen).toEqual({
      clients: METHODS.map((method) => ({
        method,
        token: expect.objectContaining({ token_type: "Bearer", expires_in: 900, scope: "tools:read" }),
        introspection: expect.objectContaining({ active: true, ...claims }),
        revoked: 200,
        after: { active: false },
        refusal: "invalid_scope",
      })),
      claims: expect.objectContaining({ iss: issuer.issuer, aud: audience, sub: "ada" }),
      refusals: [
        "InvalidClaimError",
        "ExpiredTokenError",
        expect.stringMatching(/^(?:BadSignature|Decode)Error$/),
        "BadSignatureError",
        "InvalidClaimError",
      ],
    });
  });
});

/** By default, an assertion of `PrivateKeyJWT` is for the URL of an endpoint and valid for an hour; ours, for the issuer and a minute. */
const AUTHLIB = `
import json, requests, sys, time
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.jose import JsonWebKey, jwt
from authlib.jose.errors import JoseError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
given = json.load(sys.stdin)
server = requests.get(given["issuer"] + "/.well-known/oauth-authorization-server").json()

class Assertion(PrivateKeyJWT):
    def sign(self, auth, token_endpoint):
        self.claims = {"exp": int(time.time()) + 60}
        return super().sign(auth, server["issuer"])

def use(client):
    method = client["method"]
    secret, by = client["clientSecret"], method
    if method == "private_key_jwt":
        secret, by = given["key"], Assertion(alg="ES256")
    methods = {"token_endpoint_auth_method": by, "revocation_endpoint_auth_method": by}
    session = OAuth2Session(client["clientId"], secret, **methods)
    options = {"grant_type": "client_credentials", "resource": given["resource"]}
    token = session.fetch_token(server["token_endpoint"], scope="tools:read", **options)
    introspect = lambda: session.introspect_token(server["introspection_endpoint"], token=token["access_token"]).json()
    introspection = introspect()
    revoked = session.revoke_token(server["revocation_endpoint"], token=token["access_token"]).status_code
    try:
        session.fetch_token(server["token_endpoint"], scope="admin", **options)
        refusal = None
    except OAuthError as error:
        refusal = error.error
    answer = {"method": method, "token": token, "introspection": introspection, "revoked": revoked}
    return {**answer, "after": introspect(), "refusal": refusal}

keys = JsonWebKey.import_key_set(requests.get(server["jwks_uri"]).json())
expected = {"iss": {"value": given["issuer"]}, "aud": {"value": given["audience"]}}
def verify(token):
    claims = jwt.decode(token, keys, claims_options=expected)
    claims.validate()
    return claims
def refuse(token):
    try:
        verify(token)
    except JoseError as error:
        return type(error).__name__
clients = [use(client) for client in given["clients"]]
refusals = [refuse(token) for token in given["refused"]]
json.dump({"clients": clients, "claims": verify(given["good"]), "refusals": refusals}, sys.stdout)
`;
