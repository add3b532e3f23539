import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, vi } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { hasExtra } from "../support/document-code.ts";
import { ROOT } from "../support/documents.ts";
import { testWith } from "../support/optional.ts";
import { openIssuer, openPerson, post, REDIRECT_URI } from "./issuer.ts";
import { loadPrograms } from "./programs.ts";

const it = testWith({
  program: "test/mcp",
  found: hasExtra("mcp"),
  required: process.env.MINTMARK_TEST_MCP === "required",
});

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

describe.each(SERVERS)("an MCP server %s", (name) => {
  it("accepts tokens for itself alone, and refuses all others as the specification says", async () => {
    const kind = (await loadPrograms()).servers[name];
    if (kind === undefined) throw new Error(`There is no server ${name}`);
    await using issuer = await openIssuer();
    await using server = await issuer.serve(kind);
    const { resource } = server;
    const { service } = issuer;
    const metadata = new URL("/.well-known/oauth-protected-resource/mcp", resource).href;
    const none = await post(resource, {});
    expect(none).toMatchObject({ status: 401, challenge: expect.stringContaining(`resource_metadata="${metadata}"`) });
    expect(none.challenge).toContain('scope="tools:read"');
    expect(await (await fetch(metadata)).json()).toMatchObject({ resource, authorization_servers: [issuer.url] });

    const token = await issuer.tokenFor(resource, "tools:read");
    expect(await post(resource, { token })).toMatchObject({ status: 200, text: expect.stringContaining("Hello, ada") });
    const refused = { status: 401, challenge: expect.stringContaining('error="invalid_token"') };
    expect(await post(resource, { token: await issuer.tokenFor(issuer.url, "tools:read") })).toMatchObject(refused);
    expect(await post(resource, { token: `${token}x` })).toMatchObject(refused);

    const reader = await post(resource, { token, tool: "erase" });
    expect(reader).toMatchObject({ status: 403, challenge: expect.stringContaining('error="insufficient_scope"') });
    expect(reader.challenge).toContain('scope="tools:read tools:write"');
    expect(reader.challenge).toContain(`resource_metadata="${metadata}"`);
    const writer = await issuer.tokenFor(resource, "tools:read tools:write");
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
      const { servers, clients } = await loadPrograms();
      const [kind, open] = [servers[name], clients[version]];
      if (kind === undefined || open === undefined) throw new Error(`There is no ${name} or ${version}`);
      await using issuer = await openIssuer();
      await using server = await issuer.serve(kind);
      const { clientId } = await issuer.addClient(server.resource);
      const client = open(server.resource, { issuer: issuer.url, clientId, redirectUri: REDIRECT_URI });
      const person = openPerson("ada");

      expect(await client.call("greet")).toBeUndefined();
      const first = await person.finish(client);
      expect(first).toContain("Greeter");
      expect(first).toContain("Read your tools");
      expect(first).not.toContain("Change your tools");
      expect(await client.call("greet")).toContain("Hello, ada");

      client.kept.tokens = { ...client.kept.tokens, access_token: "expired", token_type: "Bearer" };
      // 1.x requests the scopes of the challenge alone, so it has no refresh token: the person is asked nothing again.
      if (version === "1.x") expect([await client.call("greet"), await person.finish(client)]).toEqual([undefined, ""]);
      expect(await client.call("greet")).toContain("Hello, ada");

      expect(await client.call("erase")).toBeUndefined();
      expect(await person.finish(client)).toContain("Change your tools");
      expect(await client.call("erase")).toContain("Erased");

      await issuer.service.consents.revoke(localCaller, { subject: "ada", clientId });
      await expect.poll(() => client.call("greet"), { interval: 1 }).toBeUndefined();
      await client.close();
    });
});
