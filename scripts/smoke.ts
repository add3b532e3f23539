/**
 * Calls every procedure of a token by the typed client.
 *
 *     npm run smoke                     starts a server with temporary data
 *     npm run smoke -- --url URL        calls a running server
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { createTokenClient, isTokenError } from "../src/client/client.ts";
import type { TokenRouter } from "../src/router/router.ts";
import { startServer } from "../test/support/process.ts";
import { readOptions } from "../test/support/script-options.ts";
import { createSteps } from "./steps.ts";

const claims = z.object({ role: z.enum(["reader", "writer"]) });

/** The steps. Each returns its observation, or throws. */
function steps(url: string): Record<string, () => Promise<string>> {
  const client = createTokenClient<TokenRouter<typeof claims>>({ url });
  const issue = () => client.getToken.query({ subject: "ada", claims: { role: "reader" } });

  return {
    "getToken issues a token": async () => {
      const { token, expiresIn } = await issue();
      return `${token.slice(0, 24)}… for ${expiresIn} s`;
    },
    "verifyToken returns its claims": async () => {
      const { sub, iss } = await client.verifyToken.mutate({ token: (await issue()).token });
      return `sub ${sub}, iss ${iss}`;
    },
    "a token with one changed letter is refused": async () => {
      const { token } = await issue();
      const at = token.lastIndexOf(".") + 10;
      const changed = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
      return refusal(client.verifyToken.mutate({ token: changed }), "invalid_token");
    },
    "custom claims are typed": async () => {
      const verified = await client.verifyToken.mutate({ token: (await issue()).token });
      const role: "reader" | "writer" = verified.role;
      return `role ${role}`;
    },
    "a token has its scope, and no other": async () => {
      const { token, scope } = await client.getToken.query({ scope: "orders:read", claims: { role: "reader" } });
      await client.verifyToken.mutate({ token, scope });
      return refusal(client.verifyToken.mutate({ token, scope: "orders:write" }), "insufficient_scope");
    },
    "a token is valid for its audience alone": async () => {
      const { token } = await client.getToken.query({ audience: "orders", claims: { role: "writer" } });
      const { aud } = await client.verifyToken.mutate({ token, audience: "orders" });
      return `aud ${aud}; elsewhere ${await refusal(client.verifyToken.mutate({ token }), "wrong_audience")}`;
    },
    "a token of 5 seconds expires": async () => {
      const { token } = await client.getToken.query({ expiresIn: 5, claims: { role: "reader" } });
      const { iat, exp } = await client.verifyToken.mutate({ token });
      await sleep(exp * 1000 - Date.now() + 1000);
      return `${exp - iat} s; then ${await refusal(client.verifyToken.mutate({ token }), "token_expired")}`;
    },
    "a refresh token is exchanged for the next pair": async () => {
      const { refreshToken = "" } = await client.getToken.query({ claims: { role: "reader" }, refreshable: true });
      const { token, refreshToken: next } = await client.refreshToken.mutate({ refreshToken });
      await client.verifyToken.mutate({ token });
      if (next === undefined || next === refreshToken) throw new Error("expected another refresh token");
      return "both differ";
    },
    "a revoked token is refused immediately": async () => {
      const { token } = await issue();
      await client.revokeToken.mutate({ token });
      return refusal(client.verifyToken.mutate({ token }), "token_revoked");
    },
  };
}

/** Returns the refusal of a call. Throws unless it has this reason. */
async function refusal(call: Promise<unknown>, reason: string): Promise<string> {
  const error = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!isTokenError(error) || error.data.reason !== reason) throw new Error(`expected ${reason}`, { cause: error });
  return `${error.data.httpStatus} ${error.message} (${reason})`;
}

const USAGE = "usage: npm run smoke [-- --url URL]\n";
const { url } = readOptions(USAGE, { url: { type: "string" }, help: { type: "boolean" } });
const { step, conclude } = createSteps();

async function run(url: string): Promise<void> {
  process.stdout.write(`Mintmark at ${url}\n`);
  for (const [name, work] of Object.entries(steps(url))) await step(name, work);
}

async function runOnOwnServer(): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), "mintmark-smoke-"));
  await using server = await startServer({ MINTMARK_DATA: data }, { entry: "source" });
  await run(server.origin);
  await step("the server stops on SIGTERM", async () => {
    const { code } = await server.stop();
    if (code !== 0) throw new Error(`exit ${code}`);
    return "exit 0";
  });
  rmSync(data, { recursive: true, force: true });
}

await (url === undefined ? runOnOwnServer() : run(url));
conclude("all steps passed");
