import { createTRPCClient, httpBatchLink } from "@trpc/client";
import { type AnyTRPCRouter, initTRPC, TRPCError } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { type Context, createTokenRouter, localCaller, tokenErrorFormatter } from "../../src/index.ts";
import { openService } from "../support/service.ts";

const inContext = async (): Promise<Context> => ({ authenticate: async () => localCaller });

/** Calls a procedure of a router through an adapter of tRPC's own, and gives its error as a client reads it. */
async function errorOf(router: AnyTRPCRouter, path: string, { input, createContext }: Asked) {
  const request = new Request(`http://app.example/trpc/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(input),
  });
  const handle = { endpoint: "/trpc", req: request, router, allowMethodOverride: true, onError: () => {} };
  const response = await fetchRequestHandler({ ...handle, ...(createContext && { createContext }) });
  return ((await response.json()) as { error?: { message: string; data: Record<string, unknown> } }).error;
}

type Asked = { input: unknown; createContext?: (() => Promise<object>) | undefined };

const own = (t: { procedure: ReturnType<typeof initTRPC.create>["procedure"] }) => ({
  hello: t.procedure.input(z.object({ name: z.string() })).query(({ input }) => `hello ${input.name}`),
  secret: t.procedure.mutation((): string => {
    throw new TRPCError({ code: "FORBIDDEN", message: "not for you" });
  }),
});

/** Ways to make a token router part of a router of one's own, and where its procedures then are. */
const WAYS = {
  nested: (tokens: AnyTRPCRouter) => {
    const t = initTRPC.context<Context>().create({ isDev: false, errorFormatter: tokenErrorFormatter });
    return { router: t.router({ ...own(t as never), auth: tokens }), prefix: "auth." };
  },
  merged: (tokens: AnyTRPCRouter) => {
    const t = initTRPC.context<Context>().create({ isDev: false });
    return { router: t.mergeRouters(t.router(own(t as never)), tokens), prefix: "" };
  },
} as const;

describe.each(Object.entries(WAYS))("a token router that is %s in another one", (way, make) => {
  it("keeps the reasons of its errors", async () => {
    await using opened = await openService();
    const { router, prefix } = make(createTokenRouter(opened.service));
    const refused = await errorOf(router, `${prefix}verifyToken`, { input: { token: "x" }, createContext: inContext });
    expect(refused?.data).toMatchObject({ httpStatus: 401, reason: "invalid_token" });
    const invalid = await errorOf(router, `${prefix}verifyToken`, { input: { tokn: "x" }, createContext: inContext });
    expect(invalid?.data).toMatchObject({ httpStatus: 400, reason: "invalid_request", issues: expect.any(Array) });
    expect(await errorOf(router, `${prefix}revokeToken`, { input: { token: "x" }, createContext: inContext })).toBe(
      undefined,
    );
  });

  it.each([
    ["no context", undefined],
    ["one without authenticate", async () => ({})],
    ["one of another shape", async () => ({ authenticate: true })],
  ])("reports what its context lacks (%s), and still verifies tokens", async (_, createContext) => {
    await using opened = await openService();
    const { router, prefix } = make(createTokenRouter(opened.service));
    const { token } = await opened.service.getToken(localCaller, { claims: {} });
    expect(await errorOf(router, `${prefix}verifyToken`, { input: { token }, createContext })).toBe(undefined);
    const error = await errorOf(router, `${prefix}revokeToken`, { input: { token }, createContext });
    // The formatter of a merged router is the token router's own, which gives away nothing of what it does not know.
    const said = way === "merged" ? "Internal server error" : "createContext must give `authenticate`";
    expect(error?.message).toContain(said);
    const createCaller = router.createCaller as (context: unknown) => Record<string, Record<string, unknown>>;
    const caller = createCaller(await createContext?.());
    const call = way === "nested" ? caller.auth?.revokeToken : caller.revokeToken;
    await expect((call as (input: unknown) => Promise<unknown>)({ token })).rejects.toThrow(
      "createContext must give `authenticate`",
    );
  });
});

describe("tokenErrorFormatter", () => {
  it("does not change the errors of other procedures", async () => {
    await using opened = await openService();
    const { router } = WAYS.nested(createTokenRouter(opened.service));
    const error = await errorOf(router, "secret", { input: null, createContext: inContext });
    expect(error).toMatchObject({
      message: "not for you",
      data: { code: "FORBIDDEN", httpStatus: 403, path: "secret" },
    });
    expect(error?.data.reason).toBe(undefined);
  });

  it("types data.reason for clients", async () => {
    await using opened = await openService();
    const t = initTRPC.context<Context>().create({ errorFormatter: tokenErrorFormatter });
    const router = t.router({ auth: createTokenRouter(opened.service) });
    const client = createTRPCClient<typeof router>({ links: [httpBatchLink({ url: "http://127.0.0.1:1" })] });
    expectTypeOf(client.auth.verifyToken.mutate).parameter(0).toExtend<{ token: string }>();
    expectTypeOf<(typeof router)["_def"]["_config"]["$types"]["errorShape"]["data"]>().toExtend<{
      httpStatus: number;
    }>();
  });
});

describe("Context", () => {
  it("has `authenticate`, or the client of a request", () => {
    expectTypeOf<{ authenticate: () => Promise<typeof localCaller> }>().toExtend<Context>();
    expectTypeOf<{ client: { address: string; requestId: string } }>().toExtend<Context>();
    expectTypeOf<{ address: string }>().not.toExtend<Context>();
  });
});
