import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { getRequestListener } from "@hono/node-server";
import { createTokenClient } from "../../src/client/client.ts";
import { serveMcp, startIssuer } from "../../test/support/mcp-issuer.ts";
import { loadPrograms } from "../../test/support/mcp-programs.ts";
import { connectedApplications } from "./connected.ts";
import type { Person } from "./person.ts";
import { inMs, print, step } from "./report.ts";

/**
 * A client that knows only the URL of an MCP server finds the issuer, introduces itself by a document, signs a person in and calls
 * a tool. The person disconnects it on a page of the product, and the server refuses its next call.
 */
export async function demonstrate(
  person: Pick<Person, "connect" | "disconnect">,
  entry: "source" | "built",
): Promise<void> {
  const { servers, clients } = await loadPrograms().catch((error: { code?: string }) => {
    if (error.code !== "ERR_MODULE_NOT_FOUND" && error.code !== "MODULE_NOT_FOUND") throw error;
    process.stderr.write("The MCP SDK is not installed: run  npm ci --prefix test/mcp  first\n");
    process.exit(1);
  });
  const [kind, open] = [servers["2.x in Express"], clients["2.x"]];
  if (kind === undefined || open === undefined) throw new Error("There is no server or no client 2.x");

  const issuer = await startIssuer(entry);
  const mcp = await serveMcp(kind, issuer.url);
  const app = connectedApplications({ issuer: createTokenClient({ url: issuer.url }), personOf: () => "ada" });
  const click = { at: 0, isShown: false };
  const product = await listen((request, response) => {
    if (request.method === "POST") click.at = performance.now();
    else if (click.at > 0)
      response.once("finish", () => {
        click.isShown = true;
      });
    void getRequestListener(app.fetch, { overrideGlobalObjects: false })(request, response);
  });
  const callbacks: URL[] = [];
  const loopback = await listen(({ url = "" }, response) => {
    if (url.startsWith("/callback")) callbacks.push(new URL(url, loopback.origin));
    response.end("The application is connected. You can close this page.");
  });
  const { clientMetadataUrl } = issuer;
  const client = open(mcp.resource, { clientMetadataUrl, redirectUri: `${loopback.origin}/callback` });
  print(`issuer ${issuer.url} · MCP server ${mcp.resource} · client ${clientMetadataUrl} · product ${product.origin}`);

  await step("called the server, was refused, and found the issuer", () => client.call("greet"));
  const callback = await step("signed in, and allowed the client", async () => {
    await person.connect(client.kept.sentTo?.href ?? "");
    return until(() => callbacks[0]);
  });
  await step("redeemed the code", () => client.finish(callback));
  const said = await step("called the tool", () => client.call("greet"));
  print(`              it said: ${said}`);

  const token = client.kept.tokens?.access_token;
  const refused = until(() =>
    mcp.verifier.verify(token).then(
      () => undefined,
      () => performance.now(),
    ),
  );
  await step("disconnected the client", async () => {
    await person.disconnect(product.origin);
    await refused;
    // Else the browser finds no product to come back to.
    await until(() => click.isShown || undefined);
  });
  print(
    `${inMs((await refused) - click.at)}  from the click, as it arrived at the product, until the MCP server refused`,
  );
  console.warn = () => {};
  const next = await step("called the tool again", () => client.call("greet"));
  print(next === undefined ? "              refused: the person has to agree again" : `              it said: ${next}`);

  await client.close();
  for (const server of [product, loopback]) server.close();
  await mcp[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
}

async function until<Value>(read: () => Value | undefined | Promise<Value | undefined>): Promise<Value> {
  for (;;) {
    const value = await read();
    if (value !== undefined) return value;
    await sleep(1);
  }
}

async function listen(listener: RequestListener) {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
