import { Session } from "node:inspector/promises";
import { relative } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pino from "pino";
import { createTokenServer } from "../src/http/server.ts";
import { localCaller } from "../src/service/access/caller.ts";
import { createVerifier } from "../src/verifier/verifier.ts";
import { openService } from "../test/support/service.ts";

const SRC = fileURLToPath(new URL("../src", import.meta.url));

/**
 * Lists the files of `src` in which a function runs: for one warm request, and from a revocation to its rejection by a
 * verifier that follows the feed. `--clients`: the caller authenticates.
 */
const open = !process.argv.includes("--clients");
await using opened = await openService({ open });
const server = await createTokenServer(opened.service, { port: 0, logger: pino({ level: "silent" }) });
const { clientId, clientSecret } = await opened.service.clients.create(localCaller, {
  name: "reader",
  permissions: ["issue", "follow_events"],
  scopes: ["*"],
  audiences: [],
  anySubject: true,
});
const authorization = open ? {} : { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` };

const credentials = open ? {} : { credentials: { clientId, clientSecret } };
const verifier = createVerifier({ issuer: server.origin, audience: server.origin, ...credentials });
await verifier.ready;

async function call(procedure: string, input: object): Promise<{ token: string }> {
  const response = await fetch(`${server.origin}/trpc/${procedure}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...authorization },
    body: JSON.stringify(input),
  });
  return ((await response.json()) as { result: { data: { token: string } } }).result.data;
}

async function filesEntered(request: () => Promise<unknown>): Promise<string[]> {
  for (let warm = 0; warm < 5; warm += 1) await request();
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  await session.post("Profiler.takePreciseCoverage");
  await request();
  const { result } = await session.post("Profiler.takePreciseCoverage");
  session.disconnect();
  const entered = result.filter(({ functions }) => functions.some(({ ranges: [range] }) => range && range.count > 0));
  const files = entered
    .filter(({ url }) => url.startsWith("file:"))
    .map(({ url }) => relative(SRC, fileURLToPath(url)));
  return files.filter((file) => !file.startsWith("..")).sort();
}

const { token } = await call("getToken", { subject: "ada" });
const revocable = await Promise.all(Array.from({ length: 6 }, () => call("getToken", { subject: "ada" })));
const requests = {
  getToken: () => call("getToken", { subject: "ada" }),
  verifyToken: () => call("verifyToken", { token }),
  "from a revocation to its rejection": async () => {
    const { token = "" } = revocable.pop() ?? {};
    await call("revokeToken", { token });
    while (await verifier.verify(token).then(Boolean, () => false)) await setTimeout(1);
  },
};
for (const [name, request] of Object.entries(requests)) {
  const files = await filesEntered(request);
  process.stdout.write(`${name}: ${files.length} files\n  ${files.join("\n  ")}\n`);
}
verifier.close();
await server.close();
