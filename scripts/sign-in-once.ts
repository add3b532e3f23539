/**
 * Two services that trust one issuer, one in tRPC and one in Fastify, each on an origin of its own. A user
 * signs in once, the one token opens both; logs out everywhere, and both refuse; then the issuer is cut off.
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
/** In seconds. So short that the demonstration is; leave it at its 30 elsewhere. */
const maxStaleness = 6;

/** The orders: a tRPC router of which every procedure knows who calls. */
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

/** The invoices: a Fastify application with one hook. */
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

/** Asks a service until it answers with a status, and says what it said. */
async function until(status: number, url: string, token: string): Promise<string> {
  for (;;) {
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    const text = await response.text();
    if (response.status === status) return `${status} ${text.slice(0, 110)}`;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function step(what: string, work: () => Promise<string>): Promise<void> {
  const start = performance.now();
  const outcome = await work();
  process.stdout.write(`${(performance.now() - start).toFixed(1).padStart(9)} ms  ${what}: ${outcome}\n`);
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
await step("the one token opens both", () => both(200, token));
await step("and once more, from the cache", () => both(200, token));
await step(
  "ada logs out everywhere",
  async () => `sequence ${(await client.revoke.mutate({ subject: "ada" })).sequence}`,
);
await step("both refuse", () => both(401, token));
({ token } = await signIn());
await step("ada signs in again, and both are open", () => both(200, token));
await step("the issuer is killed", async () => {
  await issuer.stop("SIGKILL");
  return "gone";
});
await step("both still know enough", () => both(200, token));
await step(`and refuse when they have heard nothing for ${maxStaleness} s`, () => both(503, token));
await step("the issuer is back", async () => {
  issuer = await startServer({ MINTMARK_DATA: data, PORT: new URL(url).port }, { entry: "source" });
  return issuer.origin;
});
await step("both are open again", () => both(200, token));

for (const service of Object.values(services)) {
  service.verifier.close();
  service.close();
}
await issuer.stop();
rmSync(data, { recursive: true, force: true });
