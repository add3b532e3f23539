/**
 * Everything is in memory. Access tokens are opaque without a resource, for introspection (RFC 7662): node-oidc-provider
 * refuses JWTs there. With a resource, they are JWTs.
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
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
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
      getResourceServerInfo: (_context, audience) => ({
        scope: "orders:read",
        audience,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: "ES256", kid: plan.kid } },
      }),
    },
    devInteractions: { enabled: false },
  },
  scopes: ["orders:read"],
});
const client = await provider.Client.find("bench");
const handle = provider.callback();

const server = createServer(async (request, response) => {
  if (request.url !== "/issue") return handle(request, response);
  const token = await new provider.ClientCredentials({ client, scope: "orders:read" }).save();
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ token }));
});
server.listen(0, "127.0.0.1", () => ready(server.address().port));
