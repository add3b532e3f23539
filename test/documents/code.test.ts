import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { guarded } from "../support/children.ts";
import { blocksIn, documents, fileOf, ROOT } from "../support/documents.ts";
import { replaceAll } from "../support/guide.ts";
import { freePort, type StartedServer, startServer } from "../support/process.ts";

const ISSUER = "http://127.0.0.1:3000";
const blocks = documents.flatMap(blocksIn).filter(({ language }) => language === "ts");

// Below the project's root, so that `mintmark` means this package.
mkdirSync(join(ROOT, ".cache"), { recursive: true });
const folder = mkdtempSync(join(ROOT, ".cache/documents-"));
let issuer: StartedServer;
beforeAll(async () => {
  for (const block of blocks) put(block.document, fileOf(block) ?? "", block.code);
  issuer = await startServer({ MINTMARK_DATA: join(folder, "data") });
});
afterAll(async () => {
  await issuer.stop("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

function put(document: string, name: string, code: string): string {
  const file = join(folder, document.replace(/\.md$/, ""), name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, code);
  return file;
}

/** Puts a program into a folder of its own, with other words in place of some. */
function alone(document: string, name: string, replacements: Record<string, string> = {}): string {
  const block = blocks.find((one) => one.document === document && fileOf(one) === name);
  if (block === undefined) throw new Error(`${document} has no ${name}`);
  return put(`${document}/run`, name, replaceAll(block.code, replacements));
}

/** The same for a program that calls the issuer of the documents: it calls that of this test. */
const runnable = (document: string, name: string, others: Record<string, string> = {}) =>
  alone(document, name, { [ISSUER]: issuer.origin, ...others });

const run = (file: string) =>
  execFileSync(process.execPath, ["--import", "tsx", file], { cwd: dirname(file), encoding: "utf8" });

describe("the code in the documents", () => {
  it("is named by file, each name once in a document", () => {
    const names = blocks.map((block) => `${block.document}: ${fileOf(block)}`);
    expect(names.filter((name, at) => names.indexOf(name) !== at || name.endsWith("undefined"))).toEqual([]);
    expect(names.length).toBeGreaterThan(10);
  });

  it("compiles", () => {
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    const options = "--noEmit --ignoreConfig --strict --module nodenext --target es2023 --allowImportingTsExtensions";
    const files = blocks.map((block) => join(folder, block.document.replace(/\.md$/, ""), fileOf(block) ?? ""));
    const words = [tsc, ...options.split(" "), "--skipLibCheck", "--types", "node", ...files];
    execFileSync(process.execPath, words, { cwd: ROOT, stdio: "inherit" });
  });
});

describe.each([
  ["express", "/me", "/orders"],
  ["fastify", "/me", "/orders"],
  ["hono", "/me", "/orders"],
  ["trpc", "/me", "/order"],
])("the guide to %s", (name, path, orders) => {
  it("protects a service, which refuses a revoked token", async () => {
    const port = await freePort();
    const file = runnable(`docs/guides/${name}.md`, "service.ts", { "4000": String(port) });
    const service = guarded(
      spawn(process.execPath, ["--import", "tsx", file], { cwd: dirname(file), stdio: "ignore" }),
    );
    const ended = once(service, "exit");
    const statusOf = async (token?: string, at = path, method = "GET") => {
      const headers = { ...(token && { authorization: `Bearer ${token}` }), "content-type": "application/json" };
      const body = method === "POST" ? { body: "{}" } : {};
      const response = await fetch(`http://127.0.0.1:${port}${at}`, { method, headers, ...body }).catch(
        () => undefined,
      );
      await response?.text();
      return response?.status;
    };
    try {
      const client = createTokenClient({ url: issuer.origin });
      const { token } = await client.getToken.query({ subject: "ada", scope: "orders:write" });
      const { token: other } = await client.getToken.query({ subject: "ada" });
      await expect.poll(() => statusOf(token), { timeout: 20_000 }).toBe(200);
      expect(await statusOf()).toBe(401);
      expect(await statusOf(other, orders, "POST")).toBe(403);
      expect([200, 201]).toContain(await statusOf(token, orders, "POST"));
      await client.revokeToken.mutate({ token });
      await expect.poll(() => statusOf(token), { timeout: 5000 }).toBe(401);
    } finally {
      service.kill("SIGKILL");
      await ended;
    }
  });
});

describe("the guide to Next.js", () => {
  it("has a route that a token opens", async () => {
    const { token } = await createTokenClient({ url: issuer.origin }).getToken.query({ subject: "ada" });
    const route = runnable("docs/guides/nextjs.md", "app/api/me/route.ts");
    const program = put(
      "docs/guides/nextjs.md/run",
      "app/api/me/call.ts",
      `import { GET } from ${JSON.stringify(route)};
const call = (headers: Record<string, string>) => GET(new Request("http://app.example/api/me", { headers }));
const answers = [await call({}), await call({ authorization: "Bearer ${token}" })];
console.log(answers[0]?.status, answers[1]?.status, await answers[1]?.text());
process.exit();`,
    );
    expect(run(program)).toBe('401 200 {"sub":"ada"}\n');
  });

  it("has a route that gives a token", () => {
    runnable("docs/guides/nextjs.md", "app/api/token/route.ts");
    const program = put(
      "docs/guides/nextjs.md/run",
      "app/api/token/call.ts",
      `import { GET } from "./route.ts";
console.log((await GET()).status, Object.keys(await (await GET()).json()));
process.exit();`,
    );
    expect(run(program)).toBe("200 [ 'token' ]\n");
  });
});

it.each([
  ["orders.test.ts", /^# pass 3$/m],
  ["without-tokens.ts", /^$/],
])("the guide to tests has tests that pass: %s", (name, output) => {
  expect(run(alone("docs/guides/testing.md", name))).toMatch(output);
});

it("the first steps put a token router into another one", () => {
  expect(run(alone("docs/getting-started.md", "app.ts"))).toBe("3 parts\n");
});
