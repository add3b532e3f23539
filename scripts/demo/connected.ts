import { Hono } from "hono";
import { csrf } from "hono/csrf";
import { html } from "hono/html";
import type { createTokenClient } from "../../src/client/client.ts";

type ConnectedOptions = {
  /** A client of the issuer with the permission `sign_in`. */
  issuer: Pick<ReturnType<typeof createTokenClient>, "consents">;
  /** The subject of the person at the browser: the session of your product. */
  personOf(request: Request): string;
};

/** A page for people: which applications they have connected, with a button that disconnects each. */
export function connectedApplications({ issuer, personOf }: ConnectedOptions): Hono {
  const app = new Hono();
  // Another site must not disconnect anything.
  app.use(csrf());

  app.get("/", async (c) => {
    const consents = await issuer.consents.list.query({ subject: personOf(c.req.raw) });
    const rows = consents.map(
      ({ clientId, clientName, host, audience, scopes }) => html`<tr>
<td>${clientName} (${host})</td><td>${audience}</td><td>${scopes.join(", ")}</td>
<td><form method="post" action="/disconnect"><button name="client" value="${clientId}">Disconnect</button></form></td></tr>`,
    );
    return c.html(html`<!doctype html><html lang="en"><title>Connected applications</title>
<h1>Connected applications</h1>
${rows.length === 0 ? "None" : html`<table><tr><th>Application<th>Service<th>May<th></tr>${rows}</table>`}</html>`);
  });

  app.post("/disconnect", async (c) => {
    const { client } = await c.req.parseBody();
    if (typeof client !== "string") return c.text("Which application?", 400);
    await issuer.consents.revoke.mutate({ subject: personOf(c.req.raw), clientId: client });
    return c.redirect("/", 303);
  });

  return app;
}
