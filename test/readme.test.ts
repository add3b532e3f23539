import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTokenClient } from "../src/client/client.ts";
import { guarded } from "./support/children.ts";
import { mintmark } from "./support/command.ts";
import { compile, programFolder, run } from "./support/document-code.ts";
import { blocksIn, ROOT } from "./support/documents.ts";
import { blockOf } from "./support/guide.ts";
import { freePort, type StartedServer, startServer } from "./support/process.ts";
import { temporaryFolder } from "./support/service.ts";
import { openWebBrowser } from "./support/web-browser.ts";

const README = "README.md";
const server = blockOf(README, "ts", "createTokenServer(");
const client = blockOf(README, "ts", "// client.ts");
const revoke = blockOf(README, "ts", "// revoke.ts");
const output = blockOf(README, "", "ada writer");

const data = temporaryFolder();
const environment = { MINTMARK_DATA: join(data.path, "data") };
let issuer: StartedServer;
beforeAll(async () => {
  issuer = await startServer(environment);
});
afterAll(async () => {
  await issuer.stop("SIGKILL");
  data[Symbol.dispose]();
});

describe("the README", () => {
  it("shows typed code that prints what it says, and how to revoke, against one server", async () => {
    using folder = programFolder();
    const port = await freePort();
    const program = folder.put(README, "server.ts", server.replace("(service)", `(service, { port: ${port} })`));
    const cwd = dirname(program);
    const running = guarded(spawn(process.execPath, [compile(program)], { cwd, stdio: ["ignore", "pipe", "inherit"] }));
    const ended = once(running, "exit");
    try {
      await Promise.race([once(running.stdout, "data"), ended]);
      expect(run(folder.put(README, "client.ts", client.replace(":3000", `:${port}`)))).toBe(output);
      expect(run(folder.put(README, "revoke.ts", revoke.replace(":3000", `:${port}`)))).toBe("Bearer\n");
    } finally {
      running.kill("SIGKILL");
      await ended;
    }
  });

  it("shows commands of curl that are answered as it says", () => {
    const curl = blockOf(README, "sh", "verifyToken").replaceAll("http://127.0.0.1:3000", issuer.origin);
    const { stdout } = spawnSync("bash", ["-c", curl.replaceAll(/$/gm, "; echo")], { encoding: "utf8" });
    const shape = (text: string) =>
      text
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map(shapeOf);
    expect(shape(stdout)).toEqual(shape(blockOf(README, "json", "result")));
  });

  it("adds a client as it says", async () => {
    const words = blockOf(README, "sh", "clients add billing").trim().split(/\s+/).slice(2);
    const { stdout } = await mintmark(words, { environment });
    const labels = (text: string) => [...text.matchAll(/^(\w+ \w+) {2,}\S+$/gm)].map(([, label]) => label);
    expect(labels(stdout)).toEqual(labels(blockOf(README, "", "client secret")));
  });

  it("signs a person in to two sites by one sign-in, and out of both", async () => {
    const call = createTokenClient({ url: issuer.origin });
    const here = { ...environment, PORT: new URL(issuer.origin).port };
    const command = (line: string) => mintmark(line.split(/\s+/).slice(2), { environment: here });
    const visitor = openWebBrowser();
    /** Runs `mintmark sign-in`, and answers the pages at the address that it prints. Returns the token and the pages. */
    async function signIn(line: string) {
      const words = [join(ROOT, "dist/bin/mintmark.js"), ...line.split(/\s+/).slice(2)];
      const child = guarded(spawn(process.execPath, words, { env: { PATH: process.env.PATH, ...here } }));
      const printed = text(child.stdout);
      const [first] = await once(child.stderr, "data");
      let visit = await visitor.open(/http\S+/.exec(String(first))?.[0] ?? "");
      const pages = [];
      for (; visit.text.includes("<form"); ) {
        const field = visit.text.includes('name="subject"') ? "subject" : "decision";
        pages.push(field);
        visit = await visitor.submit(visit, field === "subject" ? { subject: "ada" } : { decision: "allow" });
      }
      return { token: (await printed).trim(), pages };
    }
    const lines = blockOf(README, "sh", "mintmark sign-in").trim().split("\n");
    const ids = [];
    for (const line of lines.filter((line) => line.includes("clients add")))
      ids.push(/^client id +(\S+)$/m.exec((await command(line)).stdout)?.[1] ?? "");
    const [shop = "", blog = ""] = lines.filter((line) => line.includes("sign-in"));
    const first = await signIn(shop.replace("ID_OF_SHOP", ids[0] ?? ""));
    const second = await signIn(blog.replace("ID_OF_BLOG", ids[1] ?? ""));
    expect([first.pages, second.pages]).toEqual([["subject", "decision"], ["decision"]]);
    const verify = ({ token }: { token: string }, audience: string) => call.verifyToken.mutate({ token, audience });
    expect(await verify(first, "https://shop.example")).toMatchObject({ sub: "ada" });
    expect(await verify(second, "https://blog.example")).toMatchObject({ sub: "ada" });
    const [list = "", revoke = ""] = blockOf(README, "sh", "sessions revoke").trim().split("\n");
    const [, sid = ""] = /^([\w-]{22}) /m.exec((await command(list)).stdout) ?? [];
    expect(await command(revoke.replace("SID", sid))).toMatchObject({ status: 0 });
    const reasonOf = (token: typeof first, audience: string) =>
      verify(token, audience).catch((error) => error.data.reason);
    await expect.poll(() => reasonOf(first, "https://shop.example"), { timeout: 5000 }).toBe("token_revoked");
    expect(await reasonOf(second, "https://blog.example")).toBe("token_revoked");
  });

  it("shows no other programs than these", () => {
    const shown = blocksIn(README).map(({ language }) => language);
    expect(shown).toEqual([
      "",
      "",
      "sh",
      "json",
      "sh",
      "ts",
      "sh",
      "ts",
      "sh",
      "sh",
      "sh",
      "ts",
      "ts",
      "",
      "ts",
      "sh",
      "",
    ]);
  });
});

/** The names in a JSON text, and the reason where it is a refusal. */
function shapeOf(line: string): unknown {
  const { result, error } = JSON.parse(line);
  return result === undefined ? error : Object.keys(result.data);
}
