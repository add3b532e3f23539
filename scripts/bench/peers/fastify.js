/** Fastify and @fastify/jwt, with its cache where `BENCH_CACHE` says so. */
import jwt from "@fastify/jwt";
import fastify from "fastify";
import { claimsOf, plan, ready } from "./peer.js";

const app = fastify();
await app.register(jwt, {
  secret: { private: plan.privatePem, public: plan.publicPem },
  sign: { algorithm: "ES256", kid: plan.kid },
  verify: {
    algorithms: ["ES256"],
    allowedIss: plan.issuer,
    allowedAud: plan.audience,
    cache: process.env.BENCH_CACHE === "1",
  },
});
const text = { type: "string" };
const verifyBody = { type: "object", properties: { token: text }, required: ["token"] };
const issueBody = { type: "object", properties: { subject: text, scope: text, claims: { type: "object" } } };

app.post("/verify", { schema: { body: verifyBody } }, async ({ body }, reply) => {
  try {
    return app.jwt.verify(body.token);
  } catch {
    return reply.code(401).send({ message: "no" });
  }
});
app.post("/issue", { schema: { body: issueBody } }, async ({ body }) => ({
  token: app.jwt.sign(claimsOf(body)),
}));
await app.listen({ port: 0, host: "127.0.0.1" });
ready(app.server.address().port);
