import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Reason } from "../../src/errors.ts";
import { createTrustState } from "../../src/trust/trust-state.ts";
import { createTokenVerifier } from "../../src/verifier/token-verifier.ts";
import { forge, goodClaims, openPairForge } from "../support/forge.ts";
import { type Answer, send } from "../support/request.ts";
import { ISSUER, NOW } from "../support/service.ts";

const custom = z.object({ role: z.enum(["reader", "writer"]) });

/** A real verifier with a real key, and functions that make its source stale or throw. */
export async function openVerifier() {
  const by = await openPairForge("ES256");
  const source = { isStale: () => false };
  const verifyToken = createTokenVerifier({
    source: {
      lookup: by.keyring.lookup,
      fetchKey: async () => undefined,
      trust: createTrustState,
      isStale: () => source.isStale(),
    },
    policy: () => ({ issuer: ISSUER }),
    claimsSchema: custom,
    clock: () => NOW,
  });
  const verifier = {
    verify: (token: unknown, expected: { scope?: string | undefined; audience?: string | undefined } = {}) =>
      verifyToken(token, { audience: ISSUER, ...expected }),
  };
  const sign = (changes: Record<string, unknown> = {}) =>
    forge(by, { payload: goodClaims({ role: "writer", scope: "orders:read orders:write", ...changes }) });
  return { source, verifier, sign };
}

export type Verifier = Awaited<ReturnType<typeof openVerifier>>["verifier"];
export type VerifiedClaims = Awaited<ReturnType<Verifier["verify"]>>;

/** The response of every handler under test. */
export function greet({ sub, role }: VerifiedClaims): { sub: string; role: "reader" | "writer" } {
  return { sub, role };
}

export type Running = { url: string; close: () => Promise<void> };

export async function listen(listener: RequestListener): Promise<Running> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Sends a JSON response. */
export function respond(response: ServerResponse<IncomingMessage>, body: object): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(body));
}

export type Framework = {
  name: string;
  /** Serves `/me` for any valid token, and `/orders` for those with the scope `orders:write`. */
  open(verifier: Verifier): Promise<Running>;
  /** Extracts the response of the handler, or the refusal, from the framework's envelope. */
  read?(body: unknown): unknown;
};

const CHALLENGE = 'Bearer realm="mintmark"';
const INVALID_TOKEN = `${CHALLENGE}, error="invalid_token", error_description="Could not validate credentials"`;
const INVALID_REQUEST = `${CHALLENGE}, error="invalid_request", error_description="The request is not well-formed"`;
const INSUFFICIENT_SCOPE = `${CHALLENGE}, error="insufficient_scope", error_description="The token lacks a required scope", scope="orders:write"`;

type Refused = { status: number; challenge?: string; reason: Reason };
type Case = { what: string; authorization: (sign: Sign) => string | string[] | undefined; path?: string };
type Sign = Awaited<ReturnType<typeof openVerifier>>["sign"];

const MALFORMED: Refused = { status: 400, challenge: INVALID_REQUEST, reason: "malformed_request" };
const BAD: Refused = { status: 401, challenge: INVALID_TOKEN, reason: "invalid_token" };
const NONE: Refused = { status: 401, challenge: CHALLENGE, reason: "invalid_token" };

const refused: (Case & Refused)[] = [
  { what: "no credentials", authorization: () => undefined, ...NONE },
  { what: "another scheme", authorization: () => "Basic YWRhOnNlY3JldA==", ...NONE },
  { what: "a scheme that only begins like it", authorization: (sign) => `Bearerish ${sign()}`, ...NONE },
  { what: "a scheme and no token", authorization: () => "Bearer", ...MALFORMED },
  { what: "two words", authorization: (sign) => `Bearer ${sign()} ${sign()}`, ...MALFORMED },
  { what: "a character that no token has", authorization: () => 'Bearer a"b', ...MALFORMED },
  { what: "two credentials", authorization: (sign) => [`Bearer ${sign()}`, `Bearer ${sign()}`], ...MALFORMED },
  { what: "the same credentials twice", authorization: (sign) => Array(2).fill(`Bearer ${sign()}`), ...MALFORMED },
  { what: "two schemes", authorization: (sign) => ["Basic YWRhOnNlY3JldA==", `Bearer ${sign()}`], ...MALFORMED },
  { what: "two joined by a comma", authorization: (sign) => `Bearer ${sign()}, Bearer ${sign()}`, ...MALFORMED },
  { what: "a second joined to another scheme", authorization: (sign) => `Basic YQ==,Bearer ${sign()}`, ...MALFORMED },
  { what: "a bad token", authorization: () => "Bearer not-a-token", ...BAD },
  { what: "a token with one letter changed", authorization: (sign) => `Bearer ${alter(sign())}`, ...BAD },
  {
    what: "an expired token",
    authorization: (sign) => `Bearer ${sign({ iat: NOW - 900, exp: NOW })}`,
    ...{ ...BAD, reason: "token_expired" },
  },
  {
    what: "a token for another service",
    authorization: (sign) => `Bearer ${sign({ aud: "http://127.0.0.1:4000" })}`,
    ...{ ...BAD, reason: "wrong_audience" },
  },
  {
    what: "a token without the scope",
    authorization: (sign) => `Bearer ${sign({ scope: "orders:read" })}`,
    path: "/orders",
    ...{ status: 403, challenge: INSUFFICIENT_SCOPE, reason: "insufficient_scope" },
  },
  {
    what: "a token without any scope",
    authorization: (sign) => `Bearer ${sign({ scope: undefined })}`,
    path: "/orders",
    ...{ status: 403, challenge: INSUFFICIENT_SCOPE, reason: "insufficient_scope" },
  },
];

const accepted: Case[] = [
  { what: "a good token", authorization: (sign) => `Bearer ${sign()}` },
  { what: "bearer in lower case", authorization: (sign) => `bearer ${sign()}` },
  { what: "bearer in upper case and two spaces", authorization: (sign) => `BEARER  ${sign()}` },
  { what: "a token with the scope", authorization: (sign) => `Bearer ${sign()}`, path: "/orders" },
];

/** The token with one changed character in the payload. */
function alter(token: string): string {
  const at = token.indexOf(".") + 10;
  return `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
}

/** Runs every case against a real server of a framework. */
export function testFramework({ name, open, read = (body) => body }: Framework): void {
  describe(name, () => {
    const opened: { running?: Running; kit?: Awaited<ReturnType<typeof openVerifier>> } = {};
    beforeAll(async () => {
      opened.kit = await openVerifier();
      opened.running = await open(opened.kit.verifier);
    });
    afterAll(() => opened.running?.close());

    function kit() {
      if (opened.kit === undefined) throw new Error("not open");
      return opened.kit;
    }

    function ask({ authorization, path = "/me" }: Omit<Case, "what">): Promise<Answer> {
      const value = authorization(kit().sign);
      return send(`${opened.running?.url}${path}`, { headers: value === undefined ? {} : { authorization: value } });
    }

    function expectRefusal(answer: Answer, { status, challenge, reason }: Refused): void {
      expect(answer.status).toBe(status);
      expect(answer.headers["www-authenticate"]).toBe(challenge);
      expect(answer.headers["cache-control"]).toBe("no-store");
      expect(read(JSON.parse(answer.text))).toMatchObject({ reason });
      expect(answer.text).not.toContain("eyJ");
    }

    it.each(refused)("refuses $what", async ({ authorization, path, ...expected }) => {
      expectRefusal(await ask({ authorization, ...(path !== undefined && { path }) }), expected);
    });

    it.each(accepted)("accepts $what and passes its claims", async ({ authorization, path }) => {
      const answer = await ask({ authorization, ...(path !== undefined && { path }) });
      expect(answer.status).toBe(200);
      expect(read(JSON.parse(answer.text))).toEqual({ sub: "ada", role: "writer" });
    });

    it("ignores a token in the query", async () => {
      expectRefusal(await ask({ authorization: () => undefined, path: `/me?access_token=${kit().sign()}` }), NONE);
    });

    it("answers 503 while its verifier is stale", async () => {
      kit().source.isStale = () => true;
      const answer = await ask({ authorization: (sign) => `Bearer ${sign()}` });
      kit().source.isStale = () => false;
      expectRefusal(answer, { status: 503, reason: "verifier_stale" });
      expect(answer.headers["retry-after"]).toBe("1");
    });

    it("answers 500 without details after an unexpected exception", async () => {
      kit().source.isStale = () => {
        throw new Error("eyJ secret");
      };
      const answer = await ask({ authorization: (sign) => `Bearer ${sign()}` });
      kit().source.isStale = () => false;
      expectRefusal(answer, { status: 500, reason: "internal_error" });
      expect(answer.text).not.toContain("secret");
    });
  });
}
