/**
 * Everything is in memory. Access tokens are opaque without a resource, for introspection (RFC 7662): node-oidc-provider
 * refuses JWTs there. With a resource, they are JWTs. `/session` signs a person in.
 */
import { createPrivateKey } from "node:crypto";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";
import { plan, ready } from "./peer.js";

const key = createPrivateKey(plan.privatePem).export({ format: "jwk" });

const provider = new Provider(plan.issuer, {
  jwks: { keys: [{ ...key, alg: "ES256", use: "sig", kid: plan.kid }] },
  clients: [
    {
      client_id: "bench",
      client_secret: "bench-secret",
      grant_types: ["client_credentials", "authorization_code"],
      redirect_uris: [plan.redirectUri],
      response_types: ["code"],
      token_endpoint_auth_method: "client_secret_basic",
      id_token_signed_response_alg: "ES256",
    },
  ],
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => [],
      useGrantedResource: () => true,
      getResourceServerInfo: (_context, audience) => ({
        scope: "orders:read",
        audience,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "ES256", kid: plan.kid } },
      }),
    },
    devInteractions: { enabled: false },
  },
  pkce: { required: () => true, methods: ["S256"] },
  findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  scopes: ["openid", "orders:read"],
});
const client = await provider.Client.find("bench");
const handle = provider.callback();

const routes = {
  "/issue": async () => ({ token: await new provider.ClientCredentials({ client, scope: "orders:read" }).save() }),
  "/session": async () => ({ cookie: await signIn("ada") }),
};

/** The cookie of a new session of a person who has granted everything to the client. */
async function signIn(accountId) {
  const grant = new provider.Grant({ accountId, clientId: "bench" });
  grant.addOIDCScope("openid orders:read");
  grant.addResourceScope(plan.audience, "orders:read");
  const session = new provider.Session();
  session.loginAccount({ accountId });
  session.ensureClientContainer("bench");
  session.grantIdFor("bench", await grant.save());
  await session.save(86_400);
  return `_session=${session.id}`;
}

const server = createServer(async (request, response) => {
  const route = routes[request.url];
  if (route === undefined) return handle(request, response);
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(await route()));
});
server.listen(0, "127.0.0.1", () => ready(server.address().port));
