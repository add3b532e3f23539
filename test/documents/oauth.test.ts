import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import type { Credentials } from "../support/call-as.ts";
import { mintmark } from "../support/command.ts";
import { ISSUER, programFolder, run as runProgram } from "../support/document-code.ts";
import { blocksIn, textOf } from "../support/documents.ts";
import { blockOf, replaceAll } from "../support/guide.ts";
import { type Parameters, postForm } from "../support/oauth.ts";
import { testWith } from "../support/optional.ts";
import { type StartedServer, startServer } from "../support/process.ts";
import { findPython } from "../support/python.ts";
import { temporaryFolder } from "../support/service.ts";

const GUIDE = "docs/oauth.md";
const run = promisify(execFile);

const data = temporaryFolder();
const environment = { MINTMARK_DATA: join(data.path, "data") };
let issuer: StartedServer;
/** The credentials of the two clients, as the guide has them set. */
let credentials: { WORKER: string; API: string };
let printed: string;
beforeAll(async () => {
  issuer = await startServer(environment);
  printed = await runCommands("resources add");
  const clients = [...printed.matchAll(/^client id +(\S+)\nclient secret +(\S+)$/gm)];
  const [WORKER = "", API = ""] = clients.map(([, id, secret]) => `${id}:${secret}`);
  credentials = { WORKER, API };
});
afterAll(async () => {
  await issuer.stop("SIGKILL");
  data[Symbol.dispose]();
});

/** Runs the commands of a block, as a shell splits them. */
async function runCommands(words: string): Promise<string> {
  const outputs = [];
  for (const line of blockOf(GUIDE, "sh", words).trim().split("\n")) {
    const [, , ...operands] = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
    const { status, stdout, stderr } = await mintmark(operands, { environment });
    expect([line, status, stderr]).toEqual([line, 0, ""]);
    outputs.push(stdout);
  }
  return outputs.join("");
}

const at = (code: string) => replaceAll(code, { [ISSUER]: issuer.origin });
const env = () => ({ PATH: process.env.PATH, no_proxy: "127.0.0.1", ...credentials });

/** The names in lines of JSON. */
const shapes = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => Object.keys(JSON.parse(line)));

describe("the guide to OAuth", () => {
  it("adds clients and a resource that print what it says", () => {
    const labels = (text: string) => [...text.matchAll(/^(client \w+|added)\b/gm)].map(([label]) => label);
    expect(labels(printed)).toEqual(labels(blockOf(GUIDE, "", "added https://orders.example")));
  });

  it("shows commands of curl that get, introspect and revoke a token", async () => {
    const commands = at(blockOf(GUIDE, "sh", "TOKEN=")).replaceAll(/introspect .*$/gm, "$&; echo");
    const { stdout } = await run("bash", ["--norc", "-c", commands], { env: env() });
    const said = blockOf(GUIDE, "json", '"active":true');
    expect(shapes(stdout)).toEqual(shapes(said));
    expect(stdout.trim().split("\n").at(-1)).toBe('{"active":false}');
  });

  it("adds a client of each method", async () => {
    execFileSync("bash", ["--norc", "-c", blockOf(GUIDE, "sh", "ci-key.pem")], { cwd: data.path, env: env() });
    const file = join(data.path, "ci-keys.json");
    const commands = replaceAll(blockOf(GUIDE, "sh", "--jwks-uri"), { "ci-keys.json": file });
    for (const line of commands.trim().split("\n"))
      expect(await mintmark(line.split(" ").slice(2), { environment })).toMatchObject({ status: 0 });
    const { stdout } = await mintmark(["clients", "list", "--json"], { environment });
    const methods = JSON.parse(stdout).map(({ authMethod }: { authMethod: string }) => authMethod);
    expect(methods).toEqual(expect.arrayContaining(["client_secret_basic", "client_secret_post", "private_key_jwt"]));
  });

  it("has a program that gets a token by openid-client, and refuses it once it is revoked", () => {
    using folder = programFolder();
    // On a busy machine, milliseconds of work take longer.
    const file = folder.putBlock(GUIDE, "get-token.ts", {
      [ISSUER]: issuer.origin,
      "setTimeout(50)": "setTimeout(1000)",
    });
    expect(runProgram(file, env())).toBe(blockOf(GUIDE, "", "token_revoked"));
  });

  const python = findPython("authlib", "jwt", "requests", "cryptography");
  const required = process.env.MINTMARK_TEST_PYTHON === "required";
  testWith({ program: "Authlib", found: python !== undefined, required })(
    "has a program that gets a token by Authlib, and verifies it by PyJWT",
    async () => {
      const programs = blocksIn(GUIDE).filter(({ language }) => language === "python");
      const { stdout } = await run(python ?? "", ["-c", at(programs[0]?.code ?? "")], { env: env() });
      expect(stdout).toBe("orders:read\n");
      const assertion = at(programs[1]?.code ?? "").replace(/^session = .*$/m, "print(Assertion.name)");
      expect((await run(python ?? "", ["-c", assertion], { env: env() })).stdout).toBe("private_key_jwt\n");
    },
  );

  it("has YAML that parses", () => {
    for (const { code } of blocksIn(GUIDE).filter(({ language }) => language === "yaml"))
      expect(parseDocument(code).errors).toEqual([]);
  });

  it("has a row for each error that the endpoint answers", async () => {
    await mintmark(["resources", "add", "https://other.example"], { environment });
    const [worker, api] = [credentials.WORKER, credentials.API].map((pair) => {
      const [clientId = "", clientSecret = ""] = pair.split(":");
      return { clientId, clientSecret };
    });
    const own = { grant_type: "client_credentials" };
    const requests: [as: Credentials | undefined, parameters: Parameters][] = [
      [worker, {}],
      [worker && { ...worker, clientSecret: "wrong" }, own],
      [worker, { grant_type: "refresh_token", refresh_token: "x" }],
      [worker, { grant_type: "authorization_code", code: "x", redirect_uri: "x", code_verifier: "x" }],
      [api, own],
      [worker, { grant_type: "password" }],
      [worker, { ...own, scope: "admin" }],
      [worker, { ...own, scope: "a  b" }],
      [worker, { ...own, resource: "https://unknown.example" }],
      [worker, { ...own, resource: "https://other.example" }],
      [worker, { ...own, scope: "x".repeat(70_000) }],
    ];
    const answered = [];
    for (const [as, parameters] of requests) {
      const { status, json } = await postForm(issuer.origin, "token", { as, parameters });
      answered.push(`| \`${json.error}\` | ${status} | \`${json.error_reason}\` |`);
    }
    const rows = textOf(GUIDE).match(/^\| `\w+` \| \d{3} \| `\w+` \|/gm);
    expect(answered).toEqual(rows?.filter((row) => !row.includes("forbidden_origin")));
  });
});
