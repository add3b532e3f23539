import { TRPCClientError } from "@trpc/client";
import { describe, expect, expectTypeOf, it, vi } from "vitest";
import { z } from "zod";
import { createTokenClient, isTokenError } from "../../src/client/client.ts";
import type { Reason } from "../../src/errors.ts";
import { listen } from "../../src/http/listen.ts";
import { createRequestHandler } from "../../src/http/server.ts";
import type { TokenRouter } from "../../src/router/router.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import type { Seconds } from "../../src/time.ts";
import type { JsonObject } from "../../src/token/json.ts";
import type { TrustUpdate } from "../../src/trust/trust-update.ts";
import { addClient } from "../support/clients.ts";
import { beginSignIn } from "../support/people.ts";
import { openServer, openService } from "../support/service.ts";

const claims = z.object({ role: z.enum(["reader", "writer"]) });

/** A real server that records requests and answers none. */
async function recordingServer() {
  const seen: { method: string | undefined; url: string | undefined; authorization: string | undefined }[] = [];
  const server = await listen({
    host: "127.0.0.1",
    port: 0,
    prepare: async () => ({
      listener: ({ method, url, headers }, response) => {
        seen.push({ method, url, authorization: headers.authorization });
        response.writeHead(502).end();
      },
      close: async () => {},
    }),
  });
  return { seen, url: server.origin, [Symbol.asyncDispose]: server.close };
}

describe("createTokenClient", () => {
  it("types the custom claims in both directions", async () => {
    await using server = await openServer({ claims });
    const client = createTokenClient<TokenRouter<typeof claims>>({ url: server.url });
    const { token } = await client.getToken.query({ subject: "ada", claims: { role: "writer" } });
    const verified = await client.verifyToken.mutate({ token });
    expect(verified).toMatchObject({ sub: "ada", role: "writer" });
    expectTypeOf(verified.role).toEqualTypeOf<"reader" | "writer">();
    expectTypeOf(verified.exp).toEqualTypeOf<Seconds>();
    // @ts-expect-error no such role in the schema
    await expect(client.getToken.query({ claims: { role: "owner" } })).rejects.toThrow(/claims.role/);
    // @ts-expect-error the schema requires claims
    await expect(client.getToken.query()).rejects.toThrow(/claims.role/);
    // @ts-expect-error a claim that the schema does not have
    await expect(client.getToken.query({ claims: { role: "reader", level: 3 } })).rejects.toThrow(/has no field level/);
  });

  it("types the claims of a person who signs in at an application, too", async () => {
    await using server = await openServer({ claims });
    const { signIn } = createTokenClient<TokenRouter<typeof claims>>({ url: server.url });
    const person = { handle: await beginSignIn(server.service), subject: "ada" };
    // @ts-expect-error the schema requires claims
    await expect(signIn.accept.mutate(person)).rejects.toThrow(/claims.role/);
    // @ts-expect-error no such role in the schema
    await expect(signIn.accept.mutate({ ...person, claims: { role: "owner" } })).rejects.toThrow(/claims.role/);
    const { url } = await signIn.accept.mutate({ ...person, claims: { role: "writer" } });
    expectTypeOf(url).toEqualTypeOf<string>();
    const unknown = { ...person, handle: "a".repeat(43) };
    await expect(signIn.describe.query(unknown)).rejects.toThrow();
    const failure = await signIn.refuse.mutate({ handle: unknown.handle }).catch((error: unknown) => error);
    expect(isTokenError(failure) && failure.data).toMatchObject({ reason: "unknown_sign_in", httpStatus: 404 });
  });

  it("needs no input without a schema, and accepts any JSON object as claims", async () => {
    await using server = await openServer();
    const client = createTokenClient({ url: `${server.url}/` });
    const { token } = await client.getToken.query();
    const verified = await client.verifyToken.mutate({ token });
    expectTypeOf(verified).toExtend<{ sub: string; exp: number } & JsonObject>();
    const nested = { list: [1, "two", null, { three: true }] };
    const other = await client.getToken.query({ claims: nested });
    expect(await client.verifyToken.mutate({ token: other.token })).toMatchObject(nested);
  });

  it("sends no input in a URL, and credentials only in Authorization, form-encoded (RFC 6749 §2.3.1)", async () => {
    await using server = await recordingServer();
    const client = createTokenClient({ url: server.url, credentials: { clientId: "a:b c", clientSecret: "ü%" } });
    await expect(client.getToken.query({ subject: "canary" })).rejects.toThrow();
    expect(server.seen).toEqual([
      { method: "POST", url: "/trpc/getToken?batch=1", authorization: `Basic ${btoa("a%3Ab+c:%C3%BC%25")}` },
    ]);
  });

  it("batches calls of one turn of the event loop, at most 50 in a request", async () => {
    await using server = await recordingServer();
    const client = createTokenClient({ url: server.url });
    await Promise.allSettled(Array.from({ length: 60 }, () => client.getToken.query()));
    expect(server.seen.map(({ url }) => url?.split(",").length)).toEqual([50, 10]);
  });
});

describe("a subscription of the client", () => {
  it("follows the feed with its credentials", async () => {
    await using server = await openServer({ open: false });
    const credentials = await addClient(server.service, { permissions: ["follow_events"] });
    const client = createTokenClient({ url: server.url, credentials });
    const seen: TrustUpdate[] = [];
    const subscription = client.events.subscribe(undefined, { onData: ({ data }) => void seen.push(data) });
    await vi.waitFor(() => expect(seen.at(-1)?.keys).toHaveLength(1));
    await server.service.revokeAll(localCaller, { kind: "subject", id: "ada" });
    await vi.waitFor(() => expect(seen.at(-1)?.revocations).toMatchObject([{ kind: "subject", id: "ada" }]));
    subscription.unsubscribe();
  });

  it("retries after a 503, as of a server that starts", async () => {
    await using opened = await openService();
    let requests = 0;
    const proxy = await listen({
      host: "127.0.0.1",
      port: 0,
      prepare: async () => {
        const serve = createRequestHandler(opened.service);
        return {
          listener: (request, response) => {
            requests += 1;
            if (requests > 1) serve(request, response);
            else response.writeHead(503).end();
          },
          close: async () => {},
        };
      },
    });
    const client = createTokenClient({ url: proxy.origin });
    const seen: TrustUpdate[] = [];
    const subscription = client.events.subscribe(undefined, { onData: ({ data }) => void seen.push(data) });
    await vi.waitFor(() => expect(seen.at(-1)?.keys).toHaveLength(1), { timeout: 20_000 });
    expect(requests).toBe(2);
    subscription.unsubscribe();
    await proxy.close();
  });

  it("waits for the Retry-After of a service with too many followers", async () => {
    await using opened = await openService();
    const asked: number[] = [];
    const proxy = await listen({
      host: "127.0.0.1",
      port: 0,
      prepare: async () => {
        const serve = createRequestHandler(opened.service);
        return {
          listener: (request, response) => {
            asked.push(performance.now());
            if (asked.length > 1) return serve(request, response);
            const error = {
              code: -32029,
              message: "Too many",
              data: { httpStatus: 429, reason: "too_many_followers" },
            };
            response.writeHead(429, { "content-type": "application/json", "retry-after": "1" });
            return response.end(JSON.stringify({ error }));
          },
          close: async () => {},
        };
      },
    });
    const client = createTokenClient({ url: proxy.origin });
    const seen: TrustUpdate[] = [];
    const subscription = client.events.subscribe(undefined, { onData: ({ data }) => void seen.push(data) });
    await vi.waitFor(() => expect(seen.at(-1)?.keys).toHaveLength(1), { timeout: 20_000 });
    expect(Number(asked[1]) - Number(asked[0])).toBeGreaterThan(990);
    subscription.unsubscribe();
    await proxy.close();
  });

  it("ends when the service refuses the client", async () => {
    await using server = await openServer({ open: false });
    const client = createTokenClient({ url: server.url, credentials: { clientId: "nobody", clientSecret: "x" } });
    const error = await new Promise((resolve) => client.events.subscribe(undefined, { onError: resolve }));
    expect(error).toMatchObject({ data: { reason: "invalid_client", httpStatus: 401 } });
    expect(isTokenError(error)).toBe(true);
  });
});

describe("isTokenError", () => {
  it("narrows a refusal to its reason", async () => {
    await using server = await openServer();
    const client = createTokenClient({ url: server.url });
    const error: unknown = await client.verifyToken.mutate({ token: "x.y.z" }).catch((error: unknown) => error);
    if (!isTokenError(error)) throw new Error("not narrowed");
    expectTypeOf(error.data.reason).toEqualTypeOf<Reason>();
    expect(error.data).toMatchObject({ reason: "invalid_token", httpStatus: 401, code: "UNAUTHORIZED" });
    expect(error.message).toBe("Could not validate credentials");
  });

  it("is false for a call without a response, or with one of another server", async () => {
    await using server = await recordingServer();
    for (const url of [server.url, "http://127.0.0.1:9"]) {
      const error: unknown = await createTokenClient({ url })
        .getToken.query()
        .catch((error: unknown) => error);
      expect(error).toBeInstanceOf(TRPCClientError);
      expect(isTokenError(error)).toBe(false);
    }
    expect(isTokenError(new Error("other"))).toBe(false);
    expect(isTokenError(undefined)).toBe(false);
  });
});
