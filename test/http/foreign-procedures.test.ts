import { setTimeout } from "node:timers/promises";
import { initTRPC } from "@trpc/server";
import pino from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import * as mini from "zod/mini";
import * as zod3 from "zod/v3";
import { describeApi } from "../../src/http/pages/openapi.ts";
import { type Context, createTokenRouter, createTokenServer } from "../../src/index.ts";
import type { ServedRouter } from "../../src/router/procedure.ts";
import { NO_RATES } from "../../src/service/throttle/call-limits.ts";
import { openService } from "../support/service.ts";

type Described = { post?: Operation };
type Operation = {
  summary?: string;
  responses: Record<string, unknown>;
  requestBody?: { content: { "application/json": { schema: unknown } } };
};

const t = initTRPC.context<Context>().meta<object>().create();
const standard = {
  "~standard": { version: 1, vendor: "other", validate: (value: unknown) => ({ value }) },
  assert: (value: unknown) => value,
};

const OPEN = { open: true, rateLimits: NO_RATES };

/** Input parsers of all kinds, and the schema of the input that is described. */
const INPUTS: Record<string, [parsers: unknown[], schema: unknown]> = {
  "a schema of zod": [
    [z.object({ a: z.string() })],
    expect.objectContaining({ properties: { a: { type: "string" } } }),
  ],
  "a schema of zod/mini": [
    [mini.object({ a: mini.string() })],
    expect.objectContaining({ properties: { a: { type: "string" } } }),
  ],
  "a schema of zod 3": [[zod3.object({ a: zod3.string() })], {}],
  "a function": [[(value: unknown) => value], {}],
  "an object that parses": [[{ parse: (value: unknown) => value }], {}],
  "a schema of another validator": [[standard], {}],
  "a class": [[class Input {}], {}],
  "two schemas": [
    [z.object({ a: z.string() }), z.object({ b: z.string() })],
    { allOf: [expect.objectContaining({ required: ["a"] }), expect.objectContaining({ required: ["b"] })] },
  ],
  "what JSON cannot express": [[z.object({ a: z.bigint() })], expect.objectContaining({ properties: { a: {} } })],
  "a schema that cannot be described": [[throwing()], {}],
  nothing: [[], expect.objectContaining({ properties: {} })],
};

function throwing(): z.ZodType {
  return z.lazy(() => {
    throw new Error("not yet");
  });
}

const METAS: Record<string, unknown> = {
  none: undefined,
  "of another shape": { openapi: { method: "GET" } },
  "of wrong types": { summary: 7, description: null, output: "text", errors: "none" },
  "of unknown reasons": { errors: ["toString", "no_such_reason", 7, null] },
  "of its own": { summary: "Says hello", errors: ["rate_limited"] },
};

function routerOf(procedures: object): ServedRouter {
  return t.router(procedures as never) as unknown as ServedRouter;
}

describe("procedures of another router are described", () => {
  it.each(Object.entries(INPUTS))("by an input of %s", (_, [parsers, schema]) => {
    const procedure = parsers.reduce<typeof t.procedure>(
      (made, parser) => made.input(parser as never) as never,
      t.procedure,
    );
    const described = describeApi(routerOf({ ask: procedure.query(() => 1), act: procedure.mutation(() => 1) }), OPEN);
    const paths = described.paths as Record<string, Described>;
    expect(paths["/ask"]?.post?.requestBody?.content["application/json"].schema).toEqual(schema);
    expect(paths["/act"]?.post?.requestBody?.content["application/json"].schema).toEqual(schema);
  });

  it.each(Object.entries(METAS))("by a meta %s", (name, meta) => {
    const procedure = meta === undefined ? t.procedure : t.procedure.meta(meta as object);
    const { paths } = describeApi(routerOf({ ask: procedure.query(() => 1) }), OPEN) as {
      paths: Record<string, Described>;
    };
    const { summary, responses } = paths["/ask"]?.post ?? { responses: {} };
    expect(summary).toBe(name === "of its own" ? "Says hello" : undefined);
    expect(Object.keys(responses)).toEqual(
      name === "of its own"
        ? ["200", "400", "403", "413", "415", "429", "500"]
        : ["200", "400", "403", "413", "415", "500"],
    );
  });

  it("by the output parser, if any", () => {
    const procedure = t.procedure.output(z.object({ greeting: z.string() })).query(() => ({ greeting: "hello" }));
    expect(JSON.stringify(describeApi(routerOf({ hello: procedure }), OPEN))).toContain('"greeting":{"type":"string"}');
  });
});

describe("a router of one's own is served", () => {
  it.each([
    ["that formats errors as tRPC does", (({ shape }) => shape) satisfies Format],
    ["that gives errors another shape", (() => ({ oops: true })) satisfies Format],
  ])("%s", async (_, errorFormatter) => {
    await using opened = await openService();
    const own = initTRPC.context<Context>().create({ errorFormatter: errorFormatter as never });
    const router = own.router({
      hello: own.procedure.input(zod3.object({ name: zod3.string() })).query(({ input }) => `hello ${input.name}`),
      fail: own.procedure.mutation((): string => {
        throw new Error("canary");
      }),
      auth: createTokenRouter(opened.service) as never,
    }) as unknown as ServedRouter;
    const server = await createTokenServer(opened.service, { port: 0, router, logger: pino({ level: "silent" }) });
    const statusOf = async (path: string, init?: RequestInit) => (await fetch(server.origin + path, init)).status;
    const json = (body: unknown) => ({
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const input = encodeURIComponent(JSON.stringify({ name: "ada" }));
    expect({
      described: await statusOf("/openapi.json"),
      hello: await statusOf(`/trpc/hello?input=${input}`),
      fail: await statusOf("/trpc/fail", json(null)),
      form: await statusOf("/trpc/fail", { method: "POST", body: "x" }),
      method: await statusOf("/trpc/hello", { method: "PUT" }),
      unknown: await statusOf("/trpc/nothing"),
      forged: await statusOf("/trpc/auth.verifyToken", json({ token: "x" })),
      feed: await statusOf("/trpc/auth.events?input=%7B%22x%22%3A1%7D", { headers: { accept: "text/event-stream" } }),
    }).toEqual({ described: 200, hello: 200, fail: 500, form: 415, method: 405, unknown: 404, forged: 401, feed: 400 });
    await server.close();
  });
});

type Format = (about: { shape: unknown }) => unknown;

describe("a subscription of another router", () => {
  it("has the credentials of its client for as long as it streams", async () => {
    await using opened = await openService(OPEN);
    const credentials = t.procedure.subscription(async function* ({ ctx }) {
      yield 0;
      await setTimeout(20);
      yield ctx.client?.credentials ?? "none";
    });
    const server = await createTokenServer(opened.service, { port: 0, router: routerOf({ credentials }) });
    onTestFinished(() => server.close());
    const headers = { accept: "text/event-stream", authorization: `Basic ${btoa("ada:secret")}` };
    const response = await fetch(`${server.origin}/trpc/credentials`, { headers });
    expect(await response.text()).toContain('"clientId":"ada"');
  });

  it.each(["before", "after"])("ends where the error formatter throws %s its first value", async (moment) => {
    await using opened = await openService(OPEN);
    const own = initTRPC.context<Context>().create({
      errorFormatter: () => {
        throw new Error("canary");
      },
    });
    const failing = own.procedure.subscription(async function* () {
      if (moment === "after") yield 0;
      throw new Error("canary");
    });
    const router = own.router({ failing }) as unknown as ServedRouter;
    const server = await createTokenServer(opened.service, { port: 0, router, logger: pino({ level: "silent" }) });
    onTestFinished(() => server.close());
    const response = await fetch(`${server.origin}/trpc/failing`, { headers: { accept: "text/event-stream" } });
    expect(response.status).toBe(moment === "before" ? 500 : 200);
    expect(await response.text()).not.toContain("canary");
  });
});
