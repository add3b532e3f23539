import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createTokenClient } from "../../src/client/client.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { certificateFor, serveByTls } from "./document-server.ts";
import type { OfficialClient, ProtectedServer } from "./mcp-programs.ts";
import { startServer } from "./process.ts";
import { openServer, temporaryFolder } from "./service.ts";
import { type BrowserOptions, openWebBrowser } from "./web-browser.ts";

const SCOPES = { "tools:read": "Read your tools", "tools:write": "Change your tools" };
export const REDIRECT_URI = "http://127.0.0.1:9/callback";

/** What an administrator says of a client for one resource. */
export const newClient = (resource: string) => ({
  ...{ name: "Assistant", authMethod: "none" as const, permissions: [], anySubject: false },
  ...{ redirectUris: [REDIRECT_URI], scopes: ["*"], audiences: [resource] },
});

/** Starts an MCP server whose verifier follows an issuer with open access. */
export async function serveMcp({ open }: Pick<ProtectedServer, "open">, issuer: string) {
  const http = createServer();
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const resource = `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`;
  const { resources } = createTokenClient({ url: issuer });
  await resources.create.mutate({ audience: resource, name: "Greeter", scopes: SCOPES, open: true });
  const verifier = createVerifier({ issuer, audience: resource });
  const protectedResource = { resource, authorizationServers: [issuer], scopes: Object.keys(SCOPES) };
  http.on("request", open({ verifier, protectedResource }));
  await verifier.ready;
  return {
    resource,
    verifier,
    async [Symbol.asyncDispose]() {
      verifier.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

/** An issuer in this process. */
export async function openIssuer() {
  const server = await openServer({ clock: () => Math.floor(Date.now() / 1000), issuer: undefined as never });
  return {
    ...server,
    /** A token for a resource, as a program gets one. */
    async tokenFor(audience: string, scope?: string): Promise<string> {
      const { token } = await server.service.getToken(localCaller, { subject: "ada", claims: {}, audience, scope });
      return token;
    },
  };
}

/** A client on the web that introduces itself by a document, and an issuer as in development that trusts its certificate. */
export async function startIssuer(entry?: "source" | "built") {
  const { key, cert } = certificateFor("localhost");
  const web = await serveByTls(
    (_request, response) => {
      const names = { client_id: clientMetadataUrl, client_name: "Assistant", redirect_uris: [REDIRECT_URI] };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(names));
    },
    { key, cert },
  );
  const clientMetadataUrl = `https://localhost:${web.port}/client.json`;
  const folder = temporaryFolder();
  const [data, certificate] = [join(folder.path, "data"), join(folder.path, "ca.pem")];
  writeFileSync(certificate, cert);
  const environment = { MINTMARK_DATA: data, MINTMARK_REGISTRATION: "open", NODE_EXTRA_CA_CERTS: certificate };
  const issuer = await startServer(environment, { ...(entry && { entry }) });
  return {
    url: issuer.origin,
    clientMetadataUrl,
    async [Symbol.asyncDispose]() {
      await issuer.stop("SIGKILL");
      await web[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

/** A person with a browser, who allows what is shown. */
export function openPerson(subject: string, cookies: BrowserOptions["cookies"] = {}) {
  const visitor = openWebBrowser({ cookies });
  const until = REDIRECT_URI;
  return {
    /** Goes where a client sent the person, and hands it the answer. Returns the last page that was shown. */
    async finish(client: Pick<OfficialClient, "kept" | "finish">): Promise<string> {
      const pages: string[] = [];
      let visit = await visitor.open(client.kept.sentTo?.href ?? "", { until });
      while (!visit.url.startsWith(until)) {
        pages.push(visit.text);
        if (visit.status !== 200 || pages.length > 3) throw new Error(`${visit.status} ${visit.text}`);
        const isSignIn = visit.text.includes('name="subject"');
        visit = await visitor.submit(visit, isSignIn ? { subject } : { decision: "allow" }, { until });
      }
      await client.finish(new URL(visit.url));
      return pages.at(-1) ?? "";
    },
  };
}

type Call = { token?: string | undefined; tool?: string };

/** Calls a tool without a client of the SDK. */
export async function post(resource: string, { token, tool = "greet" }: Call) {
  const answer = await fetch(resource, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: tool, arguments: {} } }),
  });
  return { status: answer.status, challenge: answer.headers.get("www-authenticate"), text: await answer.text() };
}
