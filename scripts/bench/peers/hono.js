/** Hono on Node, and hono/jwt. */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { sign, verify } from "hono/jwt";
import { claimsOf, plan, ready } from "./peer.js";

const app = new Hono();
app.post("/verify", async (context) => {
  const { token } = await context.req.json();
  try {
    const claims = await verify(token, plan.publicPem, { alg: "ES256", iss: plan.issuer, aud: plan.audience });
    return context.json(claims);
  } catch {
    return context.json({ message: "no" }, 401);
  }
});
app.post("/issue", async (context) =>
  context.json({ token: await sign(claimsOf(await context.req.json()), plan.privatePem, "ES256") }),
);
serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => ready(port));
