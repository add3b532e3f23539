import { fastifyTRPCPlugin } from "@trpc/server/adapters/fastify";
import fastify from "fastify";
import { createTokenRouter, tokenContext } from "mintmark/router";
import { bearerAuth } from "mintmark/verifier/fastify";

export async function protect(verifier) {
  const auth = bearerAuth(verifier);
  const app = fastify();
  app.get("/me", { onRequest: auth }, async (request) => auth.claimsOf(request));
  return app.listen({ port: 0, host: "127.0.0.1" });
}

export async function host(service) {
  const app = fastify({ routerOptions: { maxParamLength: 5000 } });
  const createContext = ({ req }) => tokenContext({ headers: req.headers });
  const trpcOptions = { router: createTokenRouter(service), createContext };
  await app.register(fastifyTRPCPlugin, { prefix: "/trpc", trpcOptions });
  return app.listen({ port: 0, host: "127.0.0.1" });
}
