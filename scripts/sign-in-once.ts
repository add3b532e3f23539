/**
 * Two services, one in tRPC and one in Fastify, trust one issuer. A user signs in once, and both accept the token; the user
 * logs out, and both refuse it. Then the issuer stops.
 *
 *     npm run demo
 */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initTRPC } from "@trpc/server";
import { createHTTPServer } from "@trpc/server/adapters/standalone";
import Fastify from "fastify";
import { z } from "zod";
import { createTokenClient } from "../src/client/client.ts";
import type { TokenRouter } from "../src/router/router.ts";
import { bearerAuth } from "../src/verifier/middleware/fastify.ts";
import { type BearerContext, bearerHeaders, trpcAuth } from "../src/verifier/middleware/trpc.ts";
import { createVerifier } from "../src/verifier/verifier.ts";
import { startServer } from "../test/support/process.ts";

const claims = z.object({ role: z.enum(["reader", "writer"]) });
const audience = "https://shop.example";
/** In seconds. Shorter than the default of 30 for a short demonstration. */
const maxStaleness = 6;

/** A tRPC router whose procedures have the claims of the caller. */
async function startOrders(issuer: string) {
  const verifier = createVerifier({ issuer, audience, claims, maxStaleness });
  const auth = trpcAuth(verifier);
  const t = initTRPC.context<BearerContext>().create();
  const router = t.router({
    list: t.procedure.concat(auth.procedure).query(({ ctx }) => `orders of ${ctx.auth.sub}, a ${ctx.auth.role}`),
  });
  const server = createHTTPServer({
    router,
    createContext: ({ req }) => ({ req }),
    responseMeta: ({ errors }) => ({ headers: bearerHeaders(errors) }),
  });
  server.listen(0, "127.0.0.1");
  await Promise.all([once(server, "listening"), verifier.ready]);
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/list`, verifier, close: () => server.close() };
}

/** A Fastify application with one hook. */
async function startInvoices(issuer: string) {
  const verifier = createVerifier({ issuer, audience, claims, maxStaleness });
  const auth = bearerAuth(verifier);
  const app = Fastify();
  app.get("/invoices", { onRequest: auth }, async (request) => {
    const { sub, role } = auth.claimsOf(request);
    return `invoices of ${sub}, a ${role}`;
  });
  const [origin] = await Promise.all([app.listen({ port: 0, host: "127.0.0.1" }), verifier.ready]);
  return { url: `${origin}/invoices`, verifier, close: () => void app.close() };
}

/** Calls a service until it answers with a status. Returns the response in short. */
async function until(status: number, url: string, token: string): Promise<string> {
  for (;;) {
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    const text = await response.text();
    if (response.status === status) return `${status} ${text.slice(0, 110)}`;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function step(name: string, work: () => Promise<string>): Promise<void> {
  const start = performance.now();
  const outcome = await work();
  process.stdout.write(`${(performance.now() - start).toFixed(1).padStart(9)} ms  ${name}: ${outcome}\n`);
}

const data = mkdtempSync(join(tmpdir(), "mintmark-demo-"));
let issuer = await startServer({ MINTMARK_DATA: data }, { entry: "source" });
const { origin: url } = issuer;
const services = { orders: await startOrders(url), invoices: await startInvoices(url) };
const client = createTokenClient<TokenRouter<typeof claims>>({ url });
const both = async (status: number, token: string) => {
  const answers = await Promise.all(Object.values(services).map((service) => until(status, service.url, token)));
  return answers.join("  ·  ");
};
const signIn = () => client.getToken.query({ subject: "ada", audience, claims: { role: "reader" } });

process.stdout.write(
  `issuer ${url} · orders (tRPC) ${services.orders.url} · invoices (Fastify) ${services.invoices.url}\n`,
);
let { token } = await signIn();
await step("ada signs in once", async () => {
  ({ token } = await signIn());
  return `${token.slice(0, 20)}…`;
});
await step("both accept the token", () => both(200, token));
await step("both accept it again, from their caches", () => both(200, token));
await step(
  "ada logs out everywhere",
  async () => `sequence ${(await client.revoke.mutate({ subject: "ada" })).sequence}`,
);
await step("both refuse the token", () => both(401, token));
({ token } = await signIn());
await step("ada signs in again, and both accept the token", () => both(200, token));
await step("the issuer stops", async () => {
  await issuer.stop("SIGKILL");
  return "killed";
});
await step("both still accept the token", () => both(200, token));
await step(`both refuse it after ${maxStaleness} s without the issuer`, () => both(503, token));
await step("the issuer starts again", async () => {
  issuer = await startServer({ MINTMARK_DATA: data, PORT: new URL(url).port }, { entry: "source" });
  return issuer.origin;
});
await step("both accept the token again", () => both(200, token));

for (const service of Object.values(services)) {
  service.verifier.close();
  service.close();
}
await issuer.stop();
rmSync(data, { recursive: true, force: true });
