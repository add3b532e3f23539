import { describe, expect, it } from "vitest";
import { addWebClient, authorizationRequest, REDIRECT_URI } from "../support/people.ts";
import { send } from "../support/request.ts";
import { openServer } from "../support/service.ts";
import { fieldsIn, openWebBrowser } from "../support/web-browser.ts";

const PATHS = ["/oauth/authorize?client_id=a&state=%2F%2Fx", "/oauth/continue?handle=a", "/oauth/logout", "/device"];
const signIn = () => ({ subject: "ada" });

/** The issuer, a `Host`, and whether the browser is sent to the issuer. */
const HOSTS: [issuer: string, host: string, isSent: boolean][] = [
  ["http://127.0.0.1:3000", "localhost:3000", true],
  ["http://127.0.0.1:3000", "LOCALHOST:3000", true],
  ["http://127.0.0.1:3000", "[::1]:3000", true],
  ["http://127.0.0.1:3000/auth", "localhost:3000", true],
  ["http://localhost:3000", "127.0.0.1:3000", true],
  ["http://localhost", "127.0.0.1", true],
  ["http://127.0.0.1:3000", "127.0.0.1:3000", false],
  ["http://127.0.0.1:3000", "127.1:3000", false],
  // A development server, which passes requests on.
  ["http://127.0.0.1:3000", "localhost:5173", false],
  ["http://127.0.0.1:3000", "evil.example:3000", false],
  ["http://127.0.0.1:3000", "localhost.evil.example:3000", false],
  ["https://localhost:3000", "127.0.0.1:3000", false],
  ["https://id.example", "localhost", false],
  ["https://id.example", "127.0.0.1:3000", false],
];

describe("a browser that comes by another loopback name", () => {
  it.each(HOSTS)("than that of %s, %s, is sent to the issuer: %s", async (issuer, host, isSent) => {
    await using server = await openServer({ issuer, open: false }, { signIn });
    for (const path of PATHS) {
      const { status, headers, text } = await send(server.url + path, { headers: { host } });
      if (isSent) expect([path, status, headers.location]).toEqual([path, 303, issuer + path]);
      else expect([path, headers.location, text]).toEqual([path, undefined, text]);
    }
  });

  it.each(["node", "fetch"] as const)("signs in there, from a link with that name, behind %s", async (edge) => {
    await using server = await openServer({}, { edge });
    const { clientId } = await addWebClient(server.service, { firstParty: true });
    const path = `/oauth/authorize?${new URLSearchParams([...authorizationRequest(clientId).parameters])}`;
    const browser = openWebBrowser({ server });
    const { location, setCookies } = await browser.visit(path, { headers: { host: "localhost:3000" } });
    expect(setCookies).toEqual([]);
    const page = await browser.visit(location);
    const form = { ...fieldsIn(page), subject: "ada", claims: "{}" };
    const answer = await browser.visit("/oauth/continue", { form });
    expect(answer.location.startsWith(`${REDIRECT_URI}?code=`)).toBe(true);
  });
});
