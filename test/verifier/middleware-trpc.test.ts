import type { IncomingMessage } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { createTRPCClient, httpBatchLink, TRPCClientError } from "@trpc/client";
import { initTRPC } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { createHTTPHandler } from "@trpc/server/adapters/standalone";
import { expect, expectTypeOf, it } from "vitest";
import { MintmarkError } from "../../src/errors.ts";
import { bearerHeaders, trpcAuth } from "../../src/verifier/middleware/trpc.ts";
import { greet, listen, openVerifier, testFramework, type VerifiedClaims, type Verifier } from "./middleware-cases.ts";

type Context = { headers: Headers; db: string };

/** An application's router with its own context, meta and error shape. */
function createRouter(verifier: Verifier) {
  const t = initTRPC
    .context<Context>()
    .meta<{ summary: string }>()
    .create({
      isDev: false,
      errorFormatter: ({ shape, error: { cause } }) => ({
        ...shape,
        data: { ...shape.data, reason: cause instanceof MintmarkError ? cause.reason : undefined, house: "theirs" },
      }),
    });
  const auth = trpcAuth(verifier);
  return t.router({
    me: t.procedure.concat(auth.procedure).query(({ ctx }) => {
      expectTypeOf(ctx.auth).toEqualTypeOf<VerifiedClaims>();
      expectTypeOf(ctx.auth.role).toEqualTypeOf<"reader" | "writer">();
      expectTypeOf(ctx.db).toEqualTypeOf<string>();
      return greet(ctx.auth);
    }),
    orders: t.procedure
      .concat(auth.procedure)
      .concat(auth.requireScope("orders:write"))
      .query(({ ctx }) => greet(ctx.auth)),
    open: t.procedure.query(({ ctx }) => ctx.db),
  });
}

function serveByFetch(verifier: Verifier) {
  const router = createRouter(verifier);
  return (request: Request) =>
    fetchRequestHandler({
      req: request,
      router,
      endpoint: "",
      createContext: () => ({ headers: request.headers, db: "db" }),
      responseMeta: ({ errors }) => ({ headers: bearerHeaders(errors) }),
    });
}

function read(body: unknown): unknown {
  const { result, error } = body as { result?: { data: unknown }; error?: { data: unknown } };
  return result?.data ?? error?.data;
}

testFramework({
  name: "tRPC, standalone, with the request in its context",
  open(verifier) {
    const t = initTRPC.context<{ req: IncomingMessage }>().create({
      isDev: false,
      errorFormatter: ({ shape, error: { cause } }) => ({
        ...shape,
        data: { ...shape.data, reason: cause instanceof MintmarkError ? cause.reason : undefined },
      }),
    });
    const auth = trpcAuth(verifier);
    const router = t.router({
      me: t.procedure.concat(auth.procedure).query(({ ctx }) => greet(ctx.auth)),
      orders: t.procedure.concat(auth.requireScope("orders:write")).query(({ ctx }) => greet(ctx.auth)),
    });
    return listen(
      createHTTPHandler({
        router,
        createContext: ({ req }) => ({ req }),
        responseMeta: ({ errors }) => ({ headers: bearerHeaders(errors) }),
      }),
    );
  },
  read,
});

testFramework({
  name: "tRPC, with Headers in its context",
  open(verifier) {
    return listen(getRequestListener(serveByFetch(verifier), { overrideGlobalObjects: false }));
  },
  read,
});

it("reports the reason to a typed client, in the application's own error shape", async () => {
  const { verifier, sign } = await openVerifier();
  const handle = serveByFetch(verifier);
  const headers = { authorization: `Bearer ${sign({ scope: "orders:read" })}` };
  const link = httpBatchLink({
    url: "http://service",
    headers,
    fetch: (url, init) => handle(new Request(url, init as RequestInit)),
  });
  const client = createTRPCClient<ReturnType<typeof createRouter>>({ links: [link] });
  const [me, open, orders] = await Promise.allSettled([client.me.query(), client.open.query(), client.orders.query()]);
  expect(me).toEqual({ status: "fulfilled", value: { sub: "ada", role: "writer" } });
  expect(open).toEqual({ status: "fulfilled", value: "db" });
  const error = orders.status === "rejected" ? orders.reason : undefined;
  expect(error).toBeInstanceOf(TRPCClientError);
  expect(error.message).toBe("The token lacks a required scope");
  expect(error.data).toMatchObject({ code: "FORBIDDEN", reason: "insufficient_scope", house: "theirs" });
});

it("does not compile where the context has no request", async () => {
  const { verifier } = await openVerifier();
  const t = initTRPC.context<{ db: string }>().create();
  // @ts-expect-error the context has no request
  t.procedure.concat(trpcAuth(verifier).procedure);
});
