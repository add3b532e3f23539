/** Fastify and @fastify/jwt, with its cache where `BENCH_CACHE` says so, and HS256 where `BENCH_HS256` does. */
import jwt from "@fastify/jwt";
import fastify from "fastify";
import { claimsOf, plan, ready } from "./peer.js";

const [algorithm, secret] =
  process.env.BENCH_HS256 === "1"
    ? ["HS256", "0123456789abcdef0123456789ABCDEF"]
    : ["ES256", { private: plan.privatePem, public: plan.publicPem }];
const app = fastify();
await app.register(jwt, {
  secret,
  sign: { algorithm, kid: plan.kid },
  verify: {
    algorithms: [algorithm],
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
