import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { guarded } from "../support/children.ts";
import { compile, ISSUER, programFolder, run } from "../support/document-code.ts";
import { ROOT } from "../support/documents.ts";
import { blockOf, replaceAll } from "../support/guide.ts";
import { freePort, type StartedServer, startServer } from "../support/process.ts";
import { temporaryFolder } from "../support/service.ts";

const SERVICE = "http://127.0.0.1:4000";
const data = temporaryFolder();
let issuer: StartedServer;
beforeAll(async () => {
  issuer = await startServer({ MINTMARK_DATA: join(data.path, "data") });
});
afterAll(async () => {
  await issuer.stop("SIGKILL");
  data[Symbol.dispose]();
});

const issue = async (scope?: string) => {
  const { token } = await createTokenClient({ url: issuer.origin }).getToken.query({ subject: "ada", scope });
  return token;
};

/** The commands of "Call it", each with the status that stands beside it. */
const commands = [...blockOf("README.md", "sh", "Bearer $TOKEN").matchAll(/^(curl [^#\n]+?)(?: +# (\d+),.*)?$/gm)].map(
  ([, command = "", status]) => ({ command, status: status && Number(status) }),
);

/** Runs a command of the documents. Gives the status of its answer. */
function statusOf(command: string, replacements: Readonly<Record<string, string>>, token: string): number {
  const env = { PATH: process.env.PATH, TOKEN: token };
  const words = ["-c", replaceAll(command, replacements)];
  const output = execFileSync("bash", words, { env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return Number(/^HTTP\/1.1 (\d+)/.exec(output)?.[1]);
}

const DOCUMENTS: [document: string, path: string, orders: string | undefined][] = [
  ["README.md", "/me", undefined],
  ["docs/guides/express.md", "/me", "/orders"],
  ["docs/guides/fastify.md", "/me", "/orders"],
  ["docs/guides/hono.md", "/me", "/orders"],
  ["docs/guides/trpc.md", "/me", "/order"],
];

describe("the service", () => {
  const folder = programFolder();
  const urls: Record<string, string> = {};
  let services: ChildProcess;
  let ended: Promise<unknown>;
  beforeAll(async () => {
    const imports = [];
    for (const [document] of DOCUMENTS) {
      const port = await freePort();
      urls[document] = `http://127.0.0.1:${port}`;
      const file = folder.putBlock(document, "service.ts", { [ISSUER]: issuer.origin, "4000": port });
      imports.push(`import ${JSON.stringify(file)};`);
    }
    // One process for all: what takes time is its start.
    const program = folder.put("all.md", "services.ts", imports.join("\n"));
    services = guarded(spawn(process.execPath, [compile(program)], { cwd: dirname(program), stdio: "ignore" }));
    ended = once(services, "exit");
  });
  afterAll(async () => {
    services.kill("SIGKILL");
    await ended;
    folder[Symbol.dispose]();
  });

  it.each(DOCUMENTS)(
    "in %s accepts a token, and refuses one with a changed letter, one without the scope and a revoked one",
    async (document, path, orders) => {
      const url = urls[document] ?? "";
      const create = async (token: string) => {
        const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
        const response = await fetch(url + orders, { method: "POST", headers, body: "{}" });
        return [response.status, (await response.text()).includes('"created":true')];
      };
      const token = await issue("orders:write");
      const headers = { authorization: `Bearer ${token}` };
      const get = () => fetch(url + path, { headers }).then(({ status }) => status);
      await expect.poll(() => get().catch(() => undefined), { timeout: 20_000 }).toBe(200);
      expect((await fetch(url + path)).status).toBe(401);
      if (orders !== undefined) {
        expect(await create(await issue())).toEqual([403, false]);
        expect(await create(token)).toEqual([expect.toBeOneOf([200, 201]), true]);
      }
      expect(commands.map(({ status }) => status)).toEqual([200, 401, undefined, 401]);
      for (const { command, status } of commands) {
        const place = status === undefined ? { [ISSUER]: issuer.origin } : { [`${SERVICE}/me`]: url + path };
        await expect.poll(() => statusOf(command, place, token), { timeout: 5000 }).toBe(status ?? Number.NaN);
      }
    },
  );
});

describe("the guide to Next.js", () => {
  const GUIDE = "docs/guides/nextjs.md";

  it("has a route and a procedure that accept the token of its third route, until it is revoked", () => {
    using folder = programFolder();
    folder.putBlock(GUIDE, "app/auth.ts", { [ISSUER]: issuer.origin });
    folder.putBlock(GUIDE, "app/router.ts");
    for (const name of ["me", "trpc/[trpc]"]) folder.putBlock(GUIDE, `app/api/${name}/route.ts`);
    folder.putBlock(GUIDE, "app/api/token/route.ts", { [ISSUER]: issuer.origin });
    const program = folder.put(
      GUIDE,
      "call.ts",
      `import { setTimeout } from "node:timers/promises";
import { createTokenClient } from "mintmark/client";
import { verifier } from "./app/auth.ts";
import * as me from "./app/api/me/route.ts";
import * as procedure from "./app/api/trpc/[trpc]/route.ts";
import { POST } from "./app/api/token/route.ts";
const { token } = await (await POST()).json();
async function call(headers: Record<string, string>) {
  const route = await me.GET(new Request("http://app.example/api/me", { headers }));
  const called = await procedure.GET(new Request("http://app.example/api/trpc/me", { headers }));
  console.log(route.status, called.status, route.ok ? await route.text() + (await called.text()) : "");
}
const headers = { authorization: "Bearer " + token };
await call({});
await call(headers);
await createTokenClient({ url: ${JSON.stringify(issuer.origin)} }).revokeToken.mutate({ token });
while (await verifier.verify(token).then(() => true, () => false)) await setTimeout(10);
await call(headers);
process.exit();`,
    );
    expect(run(program)).toBe('401 401 \n200 200 {"sub":"ada"}{"result":{"data":{"sub":"ada"}}}\n401 401 \n');
  });

  it("has a test of its router that passes", () => {
    using folder = programFolder();
    folder.putBlock(GUIDE, "app/router.ts");
    const test = folder.putBlock(GUIDE, "app/router.test.ts");
    // As in a project that has the package in node_modules, Vitest loads it as it is.
    const config = "export default { test: { server: { deps: { external: [/\\/dist\\//] } } } };";
    folder.put(GUIDE, "app/vitest.config.ts", config);
    const words = [join(ROOT, "node_modules/vitest/vitest.mjs"), "run", "--root", dirname(test), "--pool", "threads"];
    expect(execFileSync(process.execPath, words, { cwd: dirname(test), encoding: "utf8" })).toMatch(/2 passed/);
  });
});
