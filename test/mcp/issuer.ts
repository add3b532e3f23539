import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { localCaller } from "../../src/service/access/caller.ts";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { openVisitor } from "../support/cookie-jar.ts";
import { openServer } from "../support/service.ts";
import type { servers } from "./servers.ts";

const SCOPES = { "tools:read": "Read your tools", "tools:write": "Change your tools" };
export const REDIRECT_URI = "http://127.0.0.1:9/callback";

/** An issuer as in development: its sign-in page asks whom you want to be. */
export async function openIssuer() {
  const server = await openServer({ clock: () => Math.floor(Date.now() / 1000), issuer: undefined as never });
  const { service, url } = server;
  return {
    ...server,
    /** A client that an administrator has added for one resource. */
    addClient: (resource: string) =>
      service.clients.create(localCaller, {
        ...{ name: "Assistant", authMethod: "none", permissions: [], anySubject: false, redirectUris: [REDIRECT_URI] },
        ...{ grants: ["authorization_code", "refresh_token"], scopes: ["*"], audiences: [resource] },
      }),
    /** Starts an MCP server whose verifier follows this issuer. */
    async serve({ open }: Pick<(typeof servers)[string], "open">) {
      const http = createServer();
      await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
      const resource = `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`;
      await service.resources.create(localCaller, { audience: resource, name: "Greeter", scopes: SCOPES, open: true });
      const verifier = createVerifier({ issuer: url, audience: resource });
      const protectedResource = { resource, authorizationServers: [url], scopes: Object.keys(SCOPES) };
      const listener: RequestListener = open({ verifier, protectedResource });
      http.on("request", listener);
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
    },
    /** A person with a browser: signs in where asked, and allows what is shown. Returns the callback and the last page. */
    openPerson(subject: string) {
      const visitor = openVisitor();
      return async (to: URL): Promise<{ callback: URL; pages: string[] }> => {
        const until = REDIRECT_URI;
        const pages: string[] = [];
        let visit = await visitor.open(to.href, { until });
        for (; !visit.url.startsWith(until); ) {
          pages.push(visit.body);
          const fields = visit.body.includes('name="subject"') ? { subject } : { decision: "allow" };
          if (visit.status !== 200 || pages.length > 3) throw new Error(`${visit.status} ${visit.body}`);
          visit = await visitor.submit(visit, fields, { until });
        }
        return { callback: new URL(visit.url), pages };
      };
    },
  };
}
