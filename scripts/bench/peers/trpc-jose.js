/** tRPC's standalone adapter, and jose. */
import { createPrivateKey, createPublicKey } from "node:crypto";
import { initTRPC, TRPCError } from "@trpc/server";
import { createHTTPServer } from "@trpc/server/adapters/standalone";
import { jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import { claimsOf, plan, ready } from "./peer.js";

const t = initTRPC.create({ isDev: false });
const key = createPublicKey(plan.publicPem);
const privateKey = createPrivateKey(plan.privatePem);
const expected = { issuer: plan.issuer, audience: plan.audience, algorithms: ["ES256"] };

const router = t.router({
  verify: t.procedure.input(z.strictObject({ token: z.string() })).mutation(async ({ input }) => {
    try {
      return (await jwtVerify(input.token, key, expected)).payload;
    } catch {
      throw new TRPCError({ code: "UNAUTHORIZED" });
    }
  }),
  issue: t.procedure
    .input(z.strictObject({ subject: z.string(), scope: z.string(), claims: z.record(z.string(), z.unknown()) }))
    .mutation(async ({ input }) => ({
      token: await new SignJWT(claimsOf(input))
        .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: plan.kid })
        .sign(privateKey),
    })),
});

const server = createHTTPServer({ router });
server.listen(0, "127.0.0.1", () => ready(server.address().port));
