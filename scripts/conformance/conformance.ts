/**
 * Runs the public conformance programme of MCP against the server: the scenarios for authorization servers, for every revision of
 * the specification, as an administrator's client and as one that introduces itself. A person without a browser signs in.
 *
 *     npm ci --prefix scripts/conformance
 *     npm run conformance
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTokenClient } from "../../src/client/client.ts";
import { freePort, startServer } from "../../test/support/process.ts";
import { readOptions } from "../../test/support/script-options.ts";
import { openWebBrowser } from "../../test/support/web-browser.ts";
import { createSteps } from "../steps.ts";

const USAGE = `npm run conformance: the conformance programme of MCP, for every revision of the specification

  --help  this text

Needs  npm ci --prefix scripts/conformance  first.
`;

const REVISIONS = ["2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];
const RESOURCE = "http://127.0.0.1:4000/mcp";
const INSTALLED = join(import.meta.dirname, "node_modules");
/** The programme needs Node 22. */
const NODE = join(INSTALLED, "node/bin/node");
const PROGRAM = join(INSTALLED, "@modelcontextprotocol/conformance/dist/index.js");

readOptions(USAGE, { help: { type: "boolean" } });
if (!existsSync(NODE) || !existsSync(PROGRAM)) {
  process.stderr.write(USAGE);
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), "mintmark-conformance-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const { step, conclude } = createSteps();
const server = await startServer(
  { MINTMARK_DATA: join(folder, "data"), MINTMARK_REGISTRATION: "open" },
  { entry: "source" },
);
const { origin: issuer } = server;
const port = await freePort();
const redirectUris = [`http://127.0.0.1:${port}/callback`];
const admin = createTokenClient({ url: issuer });
const scopes = { "notes:read": "Read your notes" };
await admin.resources.create.mutate({ audience: RESOURCE, name: "Notes", scopes, open: true });
const web = await serveDocument();

const clients = {
  "added by an administrator": await added(),
  registered: await registered(),
  "by document": web.clientId,
};
for (const [name, clientId] of Object.entries(clients))
  for (const revision of REVISIONS) await step(`${revision}, client ${name}`, () => conform(revision, clientId));

web.close();
await server.stop();
conclude("The server conforms.");

async function added(): Promise<string> {
  const rights = { permissions: [], scopes: ["*"], audiences: [RESOURCE], anySubject: false };
  const client = { name: "Conformance", authMethod: "none", redirectUris, ...rights } as const;
  return (await admin.clients.create.mutate(client)).clientId;
}

async function registered(): Promise<string> {
  const { registration_endpoint } = await jsonOf(`${issuer}/.well-known/oauth-authorization-server`);
  const body = JSON.stringify({ client_name: "Conformance", redirect_uris: redirectUris });
  const headers = { "content-type": "application/json" };
  return (await jsonOf(registration_endpoint ?? "", { method: "POST", headers, body })).client_id ?? "";
}

async function jsonOf(url: string, init?: RequestInit): Promise<Record<string, string>> {
  return JSON.parse(await (await fetch(url, init)).text());
}

/** A client that introduces itself: its id is the URL of this document. */
async function serveDocument() {
  const http = createServer((_, response) => {
    const document = { client_id: clientId, client_name: "Conformance", redirect_uris: redirectUris };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(document));
  });
  await once(http.listen(0, "127.0.0.1"), "listening");
  const clientId = `http://127.0.0.1:${(http.address() as AddressInfo).port}/client.json`;
  return { clientId, close: () => http.close() };
}

/** Runs the programme for one revision. Returns its verdict; rejects unless all checks pass without a warning. */
async function conform(revision: string, clientId: string): Promise<string> {
  const target = ["--url", issuer, "--resource", RESOURCE, "--client-id", clientId, "--port", port];
  const options = ["--spec-version", revision, "--output-dir", join(folder, "results")];
  const child = spawn(NODE, [PROGRAM, "authorization", ...target, ...options], { stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  let isSent = false;
  for (const output of [child.stdout, child.stderr])
    output.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
      const [url] = /http\S+\/oauth\/authorize\?\S+(?=\s)/.exec(printed) ?? [];
      if (url === undefined || isSent) return;
      isSent = true;
      signIn(url).catch((error: unknown) => {
        printed += String(error);
        child.kill();
      });
    });
  const [status] = await once(child, "close");
  const [verdict] = /^Total: [1-9]\d* passed, 0 failed$/m.exec(printed) ?? [];
  if (status !== 0 || !isSent || verdict === undefined) throw new Error(`\n${printed}`);
  return verdict;
}

/** Signs in at the page of development, and allows what the client asks for, once. Then calls the programme back. */
async function signIn(url: string): Promise<void> {
  const visitor = openWebBrowser();
  const until = `http://127.0.0.1:${port}/`;
  let visit = await visitor.submit(await visitor.open(url), { subject: "ada" }, { until });
  if (!visit.url.startsWith(until)) visit = await visitor.submit(visit, { decision: "allow" }, { until });
  await fetch(visit.url);
}
