/** The token endpoint of better-auth's OAuth provider, with JWT access tokens. Everything is in memory. */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { oauthProvider } from "@better-auth/oauth-provider";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { toNodeHandler } from "better-auth/node";
import { jwt } from "better-auth/plugins";
import { plan, ready } from "../peer.js";

const tables = new Proxy(
  {},
  {
    get(target, name) {
      target[name] ??= [];
      return target[name];
    },
    has: () => true,
  },
);
const scopes = ["orders:read"];

const auth = betterAuth({
  baseURL: plan.issuer,
  basePath: "/",
  secret: "a secret of this benchmark alone, without any other use",
  database: memoryAdapter(tables),
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [
    jwt({ jwks: { keyPairConfig: { alg: "ES256" } } }),
    oauthProvider({ loginPage: "/login", consentPage: "/consent", scopes, grantTypes: ["client_credentials"] }),
  ],
});

const { adapter } = await auth.$context;
const now = new Date();
const rows = {
  oauthClient: {
    clientId: "bench",
    clientSecret: createHash("sha256").update("bench-secret").digest("base64url"),
    redirectUris: ["https://app.example/callback"],
    grantTypes: ["client_credentials"],
    scopes,
    clientCredentialsScopes: scopes,
    tokenEndpointAuthMethod: "client_secret_basic",
  },
  oauthResource: { identifier: plan.audience, name: "bench", allowedScopes: scopes },
  oauthClientResource: { clientId: "bench", resourceId: plan.audience },
};
for (const [model, data] of Object.entries(rows))
  await adapter.create({ model, data: { ...data, createdAt: now, updatedAt: now } });

const server = createServer(toNodeHandler(auth));
server.listen(0, "127.0.0.1", () => ready(server.address().port));
