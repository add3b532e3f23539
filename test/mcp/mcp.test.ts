import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, vi } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { ROOT } from "../support/documents.ts";
import { testWith } from "../support/optional.ts";
import { openIssuer, REDIRECT_URI } from "./issuer.ts";

/** The packages of the MCP SDK, installed by  npm ci --prefix test/mcp . */
const found = existsSync(join(ROOT, "test/mcp/node_modules"));
const it = testWith({ program: "test/mcp", found, required: process.env.MINTMARK_TEST_MCP === "required" });

it("the programs with the MCP SDK compile", async () => {
  execFileSync(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "test/mcp"], { cwd: ROOT });
});

// The client 2.x warns of every refresh token that is refused.
beforeAll(() => void vi.spyOn(console, "warn").mockImplementation(() => {}));
afterAll(() => vi.restoreAllMocks());

const SERVERS = [
  "2.x in Express",
  "2.x in Hono",
  "2.x behind the SDK's requireBearerAuth",
  "1.x in Express",
  "1.x behind the SDK's requireBearerAuth",
];

/** Calls a tool without a client of the SDK. */
async function post(resource: string, { token, tool = "greet" }: { token?: string; tool?: string }) {
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

describe.each(SERVERS)("an MCP server %s", (name) => {
  it("accepts tokens for itself alone, and refuses all others as the specification says", async () => {
    const { servers } = await import("./servers.ts");
    const kind = servers[name];
    if (kind === undefined) throw new Error(`There is no server ${name}`);
    await using issuer = await openIssuer();
    await using server = await issuer.serve(kind);
    const { resource } = server;
    const { service } = issuer;
    const tokenOf = async (more: { audience?: string; scope?: string } = {}) =>
      (
        await service.getToken(localCaller, {
          subject: "ada",
          claims: {},
          audience: resource,
          scope: "tools:read",
          ...more,
        })
      ).token;

    const metadata = new URL("/.well-known/oauth-protected-resource/mcp", resource).href;
    const none = await post(resource, {});
    expect(none).toMatchObject({ status: 401, challenge: expect.stringContaining(`resource_metadata="${metadata}"`) });
    expect(none.challenge).toContain('scope="tools:read"');
    expect(await (await fetch(metadata)).json()).toMatchObject({ resource, authorization_servers: [issuer.url] });

    const token = await tokenOf();
    expect(await post(resource, { token })).toMatchObject({ status: 200, text: expect.stringContaining("Hello, ada") });
    const refused = { status: 401, challenge: expect.stringContaining('error="invalid_token"') };
    expect(await post(resource, { token: await tokenOf({ audience: issuer.url }) })).toMatchObject(refused);
    expect(await post(resource, { token: `${token}x` })).toMatchObject(refused);

    const reader = await post(resource, { token, tool: "erase" });
    expect(reader).toMatchObject({ status: 403, challenge: expect.stringContaining('error="insufficient_scope"') });
    expect(reader.challenge).toContain('scope="tools:read tools:write"');
    expect(reader.challenge).toContain(`resource_metadata="${metadata}"`);
    const writer = await tokenOf({ scope: "tools:read tools:write" });
    expect(await post(resource, { token: writer, tool: "erase" })).toMatchObject({ status: 200 });

    await service.revokeToken(localCaller, token);
    await expect.poll(async () => (await post(resource, { token })).status, { interval: 1 }).toBe(401);

    server.verifier.close();
    expect((await post(resource, { token: writer })).status).toBe(kind.stale);
  });
});

describe.each(["2.x", "1.x"])("the official client %s", (version) => {
  for (const name of ["2.x in Express", "1.x in Express"])
    it(`signs in, calls, refreshes, gets more scope and is disconnected at a server ${name}`, async () => {
      const { servers } = await import("./servers.ts");
      const { clients, createMemory, isUnauthorized } = await import("./clients.ts");
      const [kind, connect] = [servers[name], clients[version]];
      if (kind === undefined || connect === undefined) throw new Error(`There is no ${name} or ${version}`);
      await using issuer = await openIssuer();
      await using server = await issuer.serve(kind);
      const { clientId } = await issuer.addClient(server.resource);
      const { kept, provider } = createMemory({ issuer: issuer.url, clientId, redirectUri: REDIRECT_URI });
      const client = await connect(server.resource, provider);
      const person = issuer.openPerson("ada");
      const isRefused = (tool: string) => client.call(tool).then(() => false, isUnauthorized);
      /** Signs in after a refused call. Returns what the person saw. */
      const signIn = async (): Promise<string> => {
        if (kept.sentTo === undefined) throw new Error("The person was sent nowhere");
        const { callback, pages } = await person(kept.sentTo);
        await client.finish(callback);
        return pages.at(-1) ?? "";
      };

      expect(await isRefused("greet")).toBe(true);
      const first = await signIn();
      expect(first).toContain("Greeter");
      expect(first).toContain("Read your tools");
      expect(first).not.toContain("Change your tools");
      expect(await client.call("greet")).toContain("Hello, ada");

      kept.tokens = { ...kept.tokens, access_token: "expired", token_type: "Bearer" };
      // 1.x requests the scopes of the challenge alone, so it has no refresh token: the person is asked nothing again.
      if (version === "1.x") expect([await isRefused("greet"), await signIn()]).toEqual([true, ""]);
      expect(await client.call("greet")).toContain("Hello, ada");

      expect(await isRefused("erase")).toBe(true);
      expect(await signIn()).toContain("Change your tools");
      expect(await client.call("erase")).toContain("Erased");

      await issuer.service.consents.revoke(localCaller, { subject: "ada", clientId });
      await expect.poll(() => isRefused("greet"), { interval: 1 }).toBe(true);
      await client.close();
    });
});
