import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, vi } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { hasExtra } from "../support/document-code.ts";
import { ROOT } from "../support/documents.ts";
import { newClient, openPerson, post, REDIRECT_URI, serveMcp, startIssuer } from "../support/mcp-issuer.ts";
import { type Identity, loadPrograms } from "../support/mcp-programs.ts";
import { testWith } from "../support/optional.ts";

const it = testWith({
  program: "test/mcp",
  found: hasExtra("mcp"),
  required: process.env.MINTMARK_TEST_MCP === "required",
});

it("the programs with the MCP SDK compile", async () => {
  execFileSync(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "test/mcp"], { cwd: ROOT });
});

type Issuer = Awaited<ReturnType<typeof startIssuer>>;

let issuer: Issuer;
beforeAll(async () => {
  if (hasExtra("mcp")) issuer = await startIssuer();
  // The client 2.x warns of every refresh token that is refused.
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterAll(async () => {
  vi.restoreAllMocks();
  await issuer?.[Symbol.asyncDispose]();
});

const SERVERS = [
  "2.x in Express",
  "2.x in Hono",
  "2.x by fetch",
  "2.x behind the SDK's requireBearerAuth",
  "1.x in Express",
  "1.x behind the SDK's requireBearerAuth",
];

describe.each(SERVERS)("an MCP server %s", (name) => {
  it("accepts tokens for itself alone, and refuses all others as the specification says", async () => {
    const kind = (await loadPrograms()).servers[name];
    if (kind === undefined) throw new Error(`There is no server ${name}`);
    await using server = await serveMcp(kind, issuer.url);
    const { resource } = server;
    const { getToken, revokeToken } = createTokenClient({ url: issuer.url });
    const tokenFor = async (audience: string, scope = "tools:read") =>
      (await getToken.query({ subject: "ada", audience, scope })).token;

    const metadata = new URL("/.well-known/oauth-protected-resource/mcp", resource).href;
    const none = await post(resource, {});
    expect(none).toMatchObject({ status: 401, challenge: expect.stringContaining(`resource_metadata="${metadata}"`) });
    expect(none.challenge).toContain('scope="tools:read"');
    expect(await (await fetch(metadata)).json()).toMatchObject({ resource, authorization_servers: [issuer.url] });

    const token = await tokenFor(resource);
    expect(await post(resource, { token })).toMatchObject({ status: 200, text: expect.stringContaining("Hello, ada") });
    const refused = { status: 401, challenge: expect.stringContaining('error="invalid_token"') };
    expect(await post(resource, { token: await tokenFor(issuer.url) })).toMatchObject(refused);
    expect(await post(resource, { token: `${token}x` })).toMatchObject(refused);

    const reader = await post(resource, { token, tool: "erase" });
    expect(reader).toMatchObject({ status: 403, challenge: expect.stringContaining('error="insufficient_scope"') });
    expect(reader.challenge).toContain('scope="tools:read tools:write"');
    expect(reader.challenge).toContain(`resource_metadata="${metadata}"`);
    const writer = await tokenFor(resource, "tools:read tools:write");
    expect(await post(resource, { token: writer, tool: "erase" })).toMatchObject({ status: 200 });

    await revokeToken.mutate({ token });
    await expect.poll(async () => (await post(resource, { token })).status, { interval: 1 }).toBe(401);

    server.verifier.close();
    expect((await post(resource, { token: writer })).status).toBe(kind.stale);
  });
});

const ADDED = "that an administrator has added";

/** How the issuer knows a client. */
const IDENTITIES: Record<string, (issuer: Issuer, resource: string) => Promise<Identity>> = {
  async [ADDED]({ url }, resource) {
    const { clientId } = await createTokenClient({ url }).clients.create.mutate(newClient(resource));
    return { issuer: url, clientId, redirectUri: REDIRECT_URI };
  },
  "that introduces itself by a document": async ({ clientMetadataUrl }) => ({
    clientMetadataUrl,
    redirectUri: REDIRECT_URI,
  }),
  "that registers itself": async () => ({ redirectUri: REDIRECT_URI }),
};

describe.each(["2.x", "1.x"])("the official client %s", (version) => {
  for (const name of ["2.x in Express", "1.x in Express"])
    for (const [identity, identify] of Object.entries(IDENTITIES))
      it(`${identity} signs in, calls, refreshes, gets more scope and is disconnected at a server ${name}`, async () => {
        const { servers, clients } = await loadPrograms();
        const [kind, open] = [servers[name], clients[version]];
        if (kind === undefined || open === undefined) throw new Error(`There is no ${name} or ${version}`);
        await using server = await serveMcp(kind, issuer.url);
        const client = open(server.resource, await identify(issuer, server.resource));
        const person = openPerson("ada");

        expect(await client.call("greet")).toBeUndefined();
        const first = await person.finish(client);
        for (const words of ["Assistant", "Greeter", "Read your tools"]) expect(first).toContain(words);
        expect(first).not.toContain("Change your tools");
        expect(await client.call("greet")).toContain("Hello, ada");

        client.kept.tokens = { ...client.kept.tokens, access_token: "expired", token_type: "Bearer" };
        // 1.x requests the scopes of the challenge alone: unless it introduced itself, it has no refresh token.
        const refreshes = client.kept.tokens.refresh_token !== undefined;
        expect(refreshes).toBe(version === "2.x" || identity !== ADDED);
        if (!refreshes) expect([await client.call("greet"), await person.finish(client)]).toEqual([undefined, ""]);
        expect(await client.call("greet")).toContain("Hello, ada");

        // With a refresh token, 1.x refreshes after a 403, and asks for no more scope.
        if (version === "1.x" && refreshes) await expect(client.call("erase")).rejects.toThrow("403");
        else {
          expect(await client.call("erase")).toBeUndefined();
          expect(await person.finish(client)).toContain("Change your tools");
          expect(await client.call("erase")).toContain("Erased");
        }

        const clientId = client.kept.client?.client_id ?? "";
        await createTokenClient({ url: issuer.url }).consents.revoke.mutate({ subject: "ada", clientId });
        await expect.poll(() => client.call("greet"), { interval: 1 }).toBeUndefined();
        await client.close();
      });
});
