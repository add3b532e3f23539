import { initTRPC, TRPCError } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { MintmarkError } from "../../src/errors.ts";
import {
  type Context,
  createTokenCaller,
  createTokenRouter,
  type TokenCaller,
  tokenContext,
  tokenErrorFormatter,
} from "../../src/router.ts";
import { basic } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { openService } from "../support/service.ts";

const claims = z.object({ role: z.enum(["reader", "writer"]) });

describe("tokenContext", () => {
  const ada = { clientId: "ada", clientSecret: "x" };

  it.each([
    ["Headers", new Headers({ authorization: basic(ada) }), ada],
    ["Node's object", { authorization: basic(ada) }, ada],
    ["no Authorization", {}, undefined],
    ["no Authorization in Headers", new Headers(), undefined],
    ["a bearer token, which is of no client", { authorization: "Bearer x" }, { clientId: "", clientSecret: "" }],
    ["two values", { authorization: [basic(ada), basic(ada)] }, { clientId: "", clientSecret: "" }],
    [
      "two values in Headers",
      new Headers([
        ["authorization", basic(ada)],
        ["authorization", basic(ada)],
      ]),
      { clientId: "", clientSecret: "" },
    ],
  ])("reads the client from %s", (_name, headers, credentials) => {
    const address = "192.0.2.1";
    expect(tokenContext({ headers, address })).toEqual({ client: { credentials, address }, address });
  });

  it("serves a router of one's own through an adapter of tRPC: clients, reasons, limits by address", async () => {
    await using opened = await openService({ open: false, rateLimits: { verify: { perAddress: 1 } } });
    const { service } = opened;
    const client = await addClient(service, { permissions: ["issue"] });
    const t = initTRPC.context<Context & { user: string }>().create({ errorFormatter: tokenErrorFormatter });
    const router = t.router({
      auth: createTokenRouter(service, t),
      who: t.procedure.query(({ ctx }) => ctx.user),
    });
    const call = async (path: string, headers: Record<string, string> = {}) => {
      const response = await fetchRequestHandler({
        endpoint: "/api",
        router,
        req: new Request(`http://app.example/api/${path}`, {
          method: "POST",
          headers: { "content-type": "application/json", ...headers },
          body: JSON.stringify(path === "auth.verifyToken" ? { token: "x" } : {}),
        }),
        createContext: ({ req }) => ({ ...tokenContext({ headers: req.headers, address: "192.0.2.1" }), user: "ada" }),
        allowMethodOverride: true,
      });
      const { result, error } = (await response.json()) as { result?: object; error?: { data: { reason: string } } };
      return error?.data.reason ?? result;
    };
    expect(await call("auth.getToken", { authorization: basic(client) })).toHaveProperty("data.token");
    expect(await call("auth.getToken")).toBe("invalid_client");
    expect(await call("who")).toEqual({ data: "ada" });
    expect(await call("auth.verifyToken")).toBe("invalid_token");
    expect(await call("auth.verifyToken")).toBe("rate_limited");
  });
});

describe("createTokenCaller", () => {
  it("issues, refreshes, verifies and revokes with typed claims", async () => {
    await using opened = await openService({ claims, open: false });
    const tokens = createTokenCaller(opened.service);
    const first = await tokens.getToken({ subject: "ada", claims: { role: "writer" }, refreshable: true });
    const next = await tokens.refreshToken({ refreshToken: first.refreshToken ?? "" });
    const verified = await tokens.verifyToken({ token: next.token });
    expectTypeOf(verified.role).toEqualTypeOf<"reader" | "writer">();
    expect(verified).toMatchObject({ sub: "ada", role: "writer", client_id: "local" });
    expect(await tokens.revokeToken({ token: next.token })).toMatchObject({ revoked: "token" });
    const refusal = await tokens.verifyToken({ token: next.token }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(TRPCError);
    expect((refusal as TRPCError).cause).toBeInstanceOf(MintmarkError);
    expect((refusal as TRPCError).cause).toMatchObject({ reason: "token_revoked" });
    await tokens.revoke({ subject: "ada" });
    await expect(tokens.verifyToken({ token: first.token })).rejects.toMatchObject({
      cause: { reason: "token_revoked" },
    });
    expect((await tokens.keys.list()).length).toBeGreaterThan(0);
  });

  it("refuses other claims, by type and by schema", async () => {
    await using opened = await openService({ claims });
    const tokens: TokenCaller<typeof claims> = createTokenCaller(opened.service);
    // @ts-expect-error: no such role
    await expect(tokens.getToken({ claims: { role: "emperor" } })).rejects.toMatchObject({ code: "BAD_REQUEST" });
    // @ts-expect-error: the role is required
    await expect(tokens.getToken({ subject: "ada" })).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });
});

describe("createTokenRouter for the root of another router", () => {
  it("takes a context that has what the procedures need, and no other", async () => {
    await using opened = await openService();
    const { service } = opened;
    const wide = initTRPC.context<Context & { user: string }>().create();
    const received = initTRPC.context<ReturnType<typeof tokenContext>>().create();
    const made = initTRPC.context<() => { authenticate: () => Promise<never>; user: string }>().create();
    for (const router of [
      createTokenRouter(service, wide),
      createTokenRouter(service, received),
      createTokenRouter(service, made),
    ])
      expect(Object.keys(router._def.procedures)).toContain("getToken");
    // @ts-expect-error: the context has neither `authenticate` nor `client`
    createTokenRouter(service, initTRPC.context<{ user: string }>().create());
    // @ts-expect-error: there is no context
    createTokenRouter(service, initTRPC.create());
    // @ts-expect-error: `authenticate` returns no caller
    createTokenRouter(service, initTRPC.context<{ authenticate: () => Promise<string> }>().create());
  });
});
