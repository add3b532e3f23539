import type { Express } from "express";
import { exportJWK, generateKeyPair } from "jose";
import { localCaller } from "../../src/service/access/caller.ts";
import type { NewClient } from "../../src/service/clients/client-metadata.ts";
import { systemClock } from "../../src/time.ts";
import { listen, type Running } from "../verifier/middleware-cases.ts";
import { addClient } from "./clients.ts";
import { forge, goodClaims, goodHeader, openPairForge } from "./forge.ts";
import { freePort } from "./process.ts";
import { openServer } from "./service.ts";

/** The methods by which a client proves who it is. */
export const METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt"] as const;
export type Method = (typeof METHODS)[number];

/** A server of the present moment whose issuer is its URL, as others discover it. */
export async function openIssuer() {
  const port = Number(await freePort());
  const issuer = `http://127.0.0.1:${port}`;
  const server = await openServer({ issuer, clock: systemClock, open: false }, { port });
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const jwks = { keys: [await exportJWK(publicKey)] };

  /** Adds a client that may do everything, with the key of {@link privateKey} where its method needs one. */
  const addPeer = (authMethod: Method, fields: Partial<NewClient> = {}) =>
    addClient(server.service, {
      authMethod,
      permissions: ["issue", "introspect", "revoke"],
      scopes: ["orders:read", "tools:read"],
      audiences: ["*"],
      ...(authMethod === "private_key_jwt" && { jwks }),
      ...fields,
    });

  return { ...server, issuer, addPeer, privateKey };
}

export type Issuer = Awaited<ReturnType<typeof openIssuer>>;

const AUDIENCE = "https://orders.example";

/** Tokens for a resource server that expects the audience of {@link TOKENS}: a valid one, and some to refuse. */
export async function tokensOf({ issuer, store, service }: Issuer) {
  const issue = async (request: { audience?: string; scope?: string } = {}) =>
    (await service.getToken(localCaller, { subject: "ada", audience: AUDIENCE, claims: {}, ...request })).token;
  const by = await openPairForge("ES256", (await store.listKeys())[0]);
  const now = systemClock();
  const claims = { iss: issuer, aud: AUDIENCE, iat: now, exp: now + 900 };
  const signed = (changes: Record<string, unknown> = {}, header: Record<string, unknown> = {}) =>
    forge(by, { payload: goodClaims({ ...claims, ...changes }), header: goodHeader(by, header) });
  const good = await issue({ scope: "orders:read" });
  return {
    audience: AUDIENCE,
    good,
    refused: {
      "another audience": await issue({ audience: "https://billing.example" }),
      "an expired one": signed({ iat: now - 1000, exp: now - 100 }),
      "a changed letter in its claims": changed(good, good.indexOf(".") + 20),
      "a changed letter in its signature": changed(good, good.lastIndexOf(".") + 20),
      "another issuer": signed({ iss: "https://evil.example" }),
    },
    /** Signed by the issuer's key, but no access token (RFC 9068 §2.1). */
    ofAnotherType: signed({}, { typ: "JWT" }),
  };
}

function changed(token: string, at: number): string {
  return `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
}

/** Starts an application, and returns the status of a request with a token. */
export async function startResourceServer(
  app: Express,
): Promise<Running & { statusOf(token?: string): Promise<number> }> {
  const running = await listen(app);
  return {
    ...running,
    async statusOf(token) {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return (await fetch(`${running.url}/orders`, { headers })).status;
    },
  };
}
