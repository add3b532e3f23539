import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import * as openid from "openid-client";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { certificateFor } from "../../test/support/document-server.ts";
import { createSite } from "./site.ts";

/** Adds a client for a site. */
export type Register = (site: {
  name: string;
  redirectUris: string[];
  postLogoutRedirectUris: string[];
}) => Promise<{ clientId: string; clientSecret: string }>;

/** Opens a site on https, at a name below `localhost`, which browsers resolve to this machine. */
export async function openSite(name: string, { issuer, register }: { issuer: string; register: Register }) {
  const host = `${name}.localhost`;
  const web = createServer(certificateFor(host)).listen(0, "127.0.0.1");
  await once(web, "listening");
  const origin = `https://${host}:${(web.address() as AddressInfo).port}`;
  const [callback, bye] = [`${origin}/callback`, `${origin}/bye`];

  const { clientId, clientSecret } = await register({ name, redirectUris: [callback], postLogoutRedirectUris: [bye] });
  const authentication = openid.ClientSecretBasic(clientSecret);
  // The issuer of the demonstration is on http, on this machine.
  const options = { execute: [openid.allowInsecureRequests] };
  const config = await openid.discovery(new URL(issuer), clientId, undefined, authentication, options);
  const verifier = createVerifier({ issuer, audience: issuer });
  await verifier.ready;

  const { app, sessions } = createSite({ name, config, verifier, callback, bye });
  const site = {
    origin,
    verifier,
    /** When the latest form arrived. */
    clickedAt: 0,
    /** Whether the browser has come back after a logout. */
    isLeft: false,
    /** The token of the first session. */
    token: () => [...sessions.values()][0]?.accessToken,
    close() {
      verifier.close();
      web.closeAllConnections();
      web.close();
    },
  };
  web.on("request", ({ method, url }, response) => {
    if (method === "POST") site.clickedAt = performance.now();
    if (url === "/bye")
      response.once("finish", () => {
        site.isLeft = true;
      });
  });
  web.on("request", getRequestListener(app.fetch));
  return site;
}

export type Site = Awaited<ReturnType<typeof openSite>>;
