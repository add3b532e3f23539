/**
 * The endpoints of better-auth's OAuth provider, with JWT access tokens. Everything is in memory. `/session` signs a person
 * in.
 */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { oauthProvider } from "@better-auth/oauth-provider";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { getAuthTables } from "better-auth/db";
import { toNodeHandler } from "better-auth/node";
import { jwt } from "better-auth/plugins";
import { plan, ready } from "../peer.js";

const scopes = ["openid", "orders:read"];
const grantTypes = ["client_credentials", "authorization_code"];

const options = {
  baseURL: plan.issuer,
  basePath: "/",
  secret: "a secret of this benchmark alone, without any other use",
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  emailAndPassword: { enabled: true },
  plugins: [
    jwt({ jwks: { keyPairConfig: { alg: "ES256" } } }),
    oauthProvider({ loginPage: "/login", consentPage: "/consent", scopes, grantTypes }),
  ],
};
const tables = Object.fromEntries(Object.values(getAuthTables(options)).map(({ modelName }) => [modelName, []]));
const auth = betterAuth({ ...options, database: memoryAdapter(tables) });

const { adapter } = await auth.$context;
const now = new Date();
const rows = {
  oauthClient: {
    clientId: "bench",
    clientSecret: createHash("sha256").update("bench-secret").digest("base64url"),
    redirectUris: [plan.redirectUri],
    grantTypes,
    responseTypes: ["code"],
    skipConsent: true,
    scopes,
    clientCredentialsScopes: ["orders:read"],
    tokenEndpointAuthMethod: "client_secret_basic",
  },
  oauthResource: { identifier: plan.audience, name: "bench", allowedScopes: scopes },
  oauthClientResource: { clientId: "bench", resourceId: plan.audience },
};
for (const [model, data] of Object.entries(rows))
  await adapter.create({ model, data: { ...data, createdAt: now, updatedAt: now } });

async function signIn() {
  const body = { name: "Ada", email: "ada@example.com", password: "a password of this benchmark alone" };
  const { headers } = await auth.api.signUpEmail({ body, returnHeaders: true });
  return headers
    .getSetCookie()
    .map((cookie) => cookie.split(";", 1)[0])
    .join("; ");
}

const handle = toNodeHandler(auth);
const server = createServer(async (request, response) => {
  if (request.url !== "/session") return handle(request, response);
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ cookie: await signIn() }));
});
server.listen(0, "127.0.0.1", () => ready(server.address().port));
