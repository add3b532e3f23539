import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createFetchHandler } from "mintmark";
import { bearerAuth } from "mintmark/verifier/hono";

function listen(app) {
  return new Promise((resolve) => {
    serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => resolve(`http://127.0.0.1:${port}`));
  });
}

export function protect(verifier) {
  return listen(new Hono().get("/me", bearerAuth(verifier), (c) => c.json(c.get("auth"))));
}

export function host(service) {
  const handler = createFetchHandler(service);
  return listen(new Hono().all("/*", (c) => handler(c.req.raw)));
}
