/** Introspection (RFC 7662) of opaque access tokens in memory: node-oidc-provider refuses JWTs there. */
import { createServer } from "node:http";
import { Provider } from "oidc-provider";
import { plan, ready } from "./peer.js";

const provider = new Provider(plan.issuer, {
  clients: [
    {
      client_id: "bench",
      client_secret: "bench-secret",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: "client_secret_basic",
    },
  ],
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
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
