import type { IncomingMessage } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { initTRPC } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import express from "express";
import { fastify } from "fastify";
import { Hono } from "hono";
import { MintmarkError } from "../../../src/errors.ts";
import { createRpcHandler } from "../../../src/http/rpc/rpc-handler.ts";
import type { TokenVerifier } from "../../../src/verifier/middleware/bearer.ts";
import { bearerAuth as fastifyAuth } from "../../../src/verifier/middleware/fastify.ts";
import { createFetchAuth } from "../../../src/verifier/middleware/fetch.ts";
import { bearerAuth as honoAuth } from "../../../src/verifier/middleware/hono.ts";
import { bearerAuth as nodeAuth } from "../../../src/verifier/middleware/node.ts";
import { type BearerContext, bearerHeaders, trpcAuth } from "../../../src/verifier/middleware/trpc.ts";
import { listen, type Running } from "../../verifier/middleware-cases.ts";

/** Verifiers by the path that each protects. */
export type Mounts = ReadonlyMap<string, TokenVerifier<unknown>>;

/** The answer to an accepted token. */
export const WELCOME = "welcome";

/** An application's own tRPC router, whose refusals have a reason. */
function trpcRouter(mounts: Mounts) {
  const t = initTRPC.context<BearerContext>().create({
    isDev: false,
    errorFormatter: ({ shape, error: { cause } }) => ({
      ...shape,
      data: { ...shape.data, reason: cause instanceof MintmarkError ? cause.reason : undefined },
    }),
  });
  const procedures = [...mounts].map(([name, verifier]) => {
    const welcome = t.procedure.concat(trpcAuth(verifier).procedure).query(() => WELCOME);
    return [name, welcome] as const;
  });
  return t.router(Object.fromEntries(procedures));
}

const responseMeta = ({ errors }: { errors: Parameters<typeof bearerHeaders>[0] }) => ({
  headers: bearerHeaders(errors),
});

/** Every middleware, in a real server of its framework. */
export const FRAMEWORKS: Record<string, (mounts: Mounts) => Promise<Running>> = {
  "tRPC with the request in its context": (mounts) =>
    listen(
      createRpcHandler({
        router: trpcRouter(mounts),
        basePath: "/",
        createContext: ({ req }: { req: IncomingMessage }) => ({ req }),
        responseMeta,
      }),
    ),

  "tRPC with Headers in its context"(mounts) {
    const router = trpcRouter(mounts);
    const handle = (req: Request) =>
      fetchRequestHandler({ req, router, endpoint: "", createContext: () => ({ headers: req.headers }), responseMeta });
    return listen(getRequestListener(handle, { overrideGlobalObjects: false }));
  },

  "node:http"(mounts) {
    const auths = new Map([...mounts].map(([name, verifier]) => [`/${name}`, nodeAuth(verifier)]));
    return listen((request, response) => {
      void auths.get(request.url ?? "")?.(request, response, () => response.end(WELCOME));
    });
  },

  Express(mounts) {
    const app = express();
    for (const [name, verifier] of mounts)
      app.get(`/${name}`, nodeAuth(verifier), (_, response) => response.send(WELCOME));
    return listen(app);
  },

  async Fastify(mounts) {
    const app = fastify();
    for (const [name, verifier] of mounts)
      app.get(`/${name}`, { onRequest: fastifyAuth(verifier) }, async () => WELCOME);
    return { url: await app.listen({ port: 0, host: "127.0.0.1" }), close: async () => app.close() };
  },

  async Hono(mounts) {
    const app = new Hono();
    for (const [name, verifier] of mounts) app.get(`/${name}`, honoAuth(verifier), (c) => c.text(WELCOME));
    return listen(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
  },

  "a fetch handler"(mounts) {
    const auths = new Map([...mounts].map(([name, verifier]) => [`/${name}`, createFetchAuth(verifier)]));
    const handle = async (request: Request) => {
      const claims = await auths.get(new URL(request.url).pathname)?.(request);
      return claims instanceof Response ? claims : new Response(WELCOME);
    };
    return listen(getRequestListener(handle, { overrideGlobalObjects: false }));
  },
};
