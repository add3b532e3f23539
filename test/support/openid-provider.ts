import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { serveDocuments } from "./document-server.ts";

export const PROVIDER_CLIENT = { clientId: "mintmark at provider", clientSecret: "a secret: with/odd+characters" };

/** What a provider changes of what is right. */
export type Behaviour = {
  metadata?: Record<string, unknown>;
  /** Claims of the ID token beside or in place of the right ones. */
  claims?: JWTPayload;
  /** Another ID token in place of the signed one. */
  idToken?: (signed: string) => string | Promise<string>;
  userInfo?: Record<string, unknown>;
  /** The answer of the token endpoint, in place of the tokens. */
  token?: { status: number; body: string; type?: string };
};

const PATHS = { metadata: "/.well-known/openid-configuration", token: "/token", jwks: "/jwks", userInfo: "/userinfo" };

/** A small OpenID provider on loopback. Its person signs in at once: `authorize` is that browser. */
export async function openProvider({ port = 0 }: { port?: number } = {}) {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const codes = new Map<string, URLSearchParams>();
  const received: { path: string; authorization: string | undefined; form: URLSearchParams }[] = [];
  let behaviour: Behaviour = {};

  const answers: Record<string, (request: IncomingMessage) => Promise<object>> = {
    [PATHS.metadata]: async () => ({ ...metadataOf(issuer), ...behaviour.metadata }),
    [PATHS.jwks]: async () => ({ keys: [{ ...(await exportJWK(publicKey)), kid: "1", alg: "ES256", use: "sig" }] }),
    [PATHS.userInfo]: async () => ({ sub: "provider-sub-1", ...behaviour.userInfo }),
    [PATHS.token]: async (request) => {
      const form = new URLSearchParams(await text(request));
      received.push({ path: PATHS.token, authorization: request.headers.authorization, form });
      const asked = codes.get(form.get("code") ?? "");
      codes.delete(form.get("code") ?? "");
      const challenge = createHash("sha256")
        .update(form.get("code_verifier") ?? "")
        .digest("base64url");
      if (challenge !== asked?.get("code_challenge")) throw new Error("invalid_grant");
      const signed = await new SignJWT({ nonce: asked.get("nonce"), email: "ada@example.org", ...behaviour.claims })
        .setProtectedHeader({ alg: "ES256", kid: "1" })
        .setIssuer(String(behaviour.claims?.iss ?? issuer))
        .setAudience(String(behaviour.claims?.aud ?? PROVIDER_CLIENT.clientId))
        .setSubject("provider-sub-1")
        .setIssuedAt()
        .setExpirationTime(Number(behaviour.claims?.exp ?? Date.now() / 1000 + 60))
        .sign(privateKey);
      const idToken = (await behaviour.idToken?.(signed)) ?? signed;
      return { access_token: "provider-access-token", token_type: "Bearer", expires_in: 60, id_token: idToken };
    },
  };

  const server = await serveDocuments(
    (request, response) => {
      void respond(request, response).catch((error: Error) => send(response, 400, { error: error.message }));
    },
    { port },
  );
  const issuer = `http://127.0.0.1:${server.port}`;

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "").split("?")[0] ?? "";
    const { token } = behaviour;
    if (path === PATHS.token && token !== undefined) {
      response.writeHead(token.status, { "content-type": token.type ?? "application/json" }).end(token.body);
    } else send(response, 200, (await answers[path]?.(request)) ?? {});
  }

  return {
    issuer,
    received,
    behave: (next: Behaviour) => {
      behaviour = next;
    },
    /** The query that comes back for an authorization request, after its person has signed in. */
    authorize(url: string): URLSearchParams {
      const asked = new URL(url).searchParams;
      const code = `code-${codes.size}-${asked.get("state")?.slice(0, 8)}`;
      codes.set(code, asked);
      return new URLSearchParams({ code, state: asked.get("state") ?? "" });
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function metadataOf(issuer: string) {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize?tenant=1`,
    token_endpoint: `${issuer}${PATHS.token}`,
    jwks_uri: `${issuer}${PATHS.jwks}`,
    userinfo_endpoint: `${issuer}${PATHS.userInfo}`,
    response_types_supported: ["code"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256", "none", "HS256"],
    scopes_supported: ["openid", "email", "groups"],
  };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
