import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import type { Store } from "../../src/store/store.ts";
import { addResource, MCP } from "../support/resources.ts";
import { ISSUER } from "../support/service.ts";
import { openSharedService } from "../support/shared-service.ts";
import { callerOf, issueGrant, openWithClient } from "../support/with-client.ts";

const FILES = "urn:example:files";
const LIMITS = { scopes: ["tools:read", "files:read"], audiences: [MCP, FILES, "orders"] };

/** A service with two resources, and a client that may request both and one audience that is no resource. */
async function openWithResources() {
  const opened = await openWithClient();
  await addResource(opened.service);
  await addResource(opened.service, { audience: FILES, name: "files", scopes: { "files:read": "Read your files" } });
  const client = await callerOf(opened.service, LIMITS);
  const ask = (resources: string[], scope?: string, caller = client) =>
    opened.service.getToken(caller, { resources, scope, claims: {} });
  return { opened, client, ask, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
}

const invalidTarget = { reason: "invalid_target", issues: [{ path: "resource" }] };
const denied = (path: string) => ({ reason: "permission_denied", issues: [{ path }] });

/** What no token is issued for (RFC 8707 §2), whatever the client may request. */
const NO_TARGETS: [name: string, resources: string[]][] = [
  ["unknown", ["https://other.example/mcp"]],
  ["a relative URI", ["/mcp"]],
  ["a relative URI without a slash", ["mcp"]],
  ["a URI with a fragment", [`${MCP}#`]],
  ["a URI with a fragment of some text", [`${MCP}#tools`]],
  ["a longer path", [`${MCP}/`]],
  ["a shorter path", ["https://api.example"]],
  ["another case", ["https://API.example/mcp"]],
  ["another encoding", ["https://api.example/%6Dcp"]],
  ["a query", [`${MCP}?`]],
  ["a user", ["https://x@api.example/mcp"]],
  ["white space", [` ${MCP}`]],
  ["an asterisk", ["*"]],
  ["a pattern", ["https://api.example/*"]],
  ["empty", [""]],
  ["a NUL", ["\u0000"]],
  ["a lone surrogate", ["\ud800"]],
  ["too long", [`${MCP}/${"a".repeat(255)}`]],
  ["a known one beside an unknown one", [MCP, "https://other.example/mcp"]],
  ["a known one beside an empty one", [MCP, ""]],
  ["more than 16", [MCP, ...Array.from({ length: 16 }, (_, at) => `urn:a:${at}`)]],
];

describe("getToken for resources", () => {
  it.each([
    ["a registered resource", [MCP], MCP],
    ["several", [FILES, MCP], [FILES, MCP]],
    ["one that is named twice", [MCP, MCP], MCP],
    ["the default audience", [ISSUER], ISSUER],
    ["an audience that the client has by name", ["orders"], "orders"],
    ["some of each kind", ["orders", MCP, ISSUER], ["orders", MCP, ISSUER]],
    ["none", [], ISSUER],
  ])("issues a token for %s", async (_, resources, aud) => {
    await using given = await openWithResources();
    expect(decodeJwt((await given.ask(resources)).token).aud).toEqual(aud);
  });

  it.each(NO_TARGETS)("refuses a resource that is %s, also to who may request any audience (P21)", async (_, asked) => {
    await using given = await openWithResources();
    const any = await callerOf(given.opened.service);
    for (const caller of [given.client, any, localCaller])
      await expect(given.ask(asked, undefined, caller)).rejects.toMatchObject(invalidTarget);
    const records = await given.opened.auditRecords("getToken");
    expect(records).toMatchObject(Array(3).fill({ outcome: "refused", reason: "invalid_target" }));
  });

  it("refuses an audience that another client has by name (P21)", async () => {
    await using given = await openWithResources();
    const stranger = await callerOf(given.opened.service, { audiences: [MCP] });
    await expect(given.ask(["orders"], undefined, stranger)).rejects.toMatchObject(invalidTarget);
  });

  it("refuses a registered resource to a client that may not request it", async () => {
    await using given = await openWithResources();
    const stranger = await callerOf(given.opened.service, { audiences: ["orders"] });
    await expect(given.ask([MCP], undefined, stranger)).rejects.toMatchObject(denied("audience"));
    const message = expect.stringContaining("mintmark clients update ID --audiences URL");
    await expect(given.ask([MCP], undefined, stranger)).rejects.toMatchObject({ issues: [{ message }] });
    await expect(given.ask(["orders", MCP], undefined, stranger)).rejects.toMatchObject(denied("audience"));
  });

  it("does not tell a client without the permission which resources there are", async () => {
    await using given = await openWithResources();
    const powerless = await callerOf(given.opened.service, { permissions: ["introspect"] });
    for (const resource of [MCP, "urn:unknown"])
      await expect(given.ask([resource], undefined, powerless)).rejects.toMatchObject(denied("permission"));
  });

  it("refuses a resource from its removal on, at every server", async () => {
    await using opened = await openSharedService();
    await using second = await opened.openSecond();
    await addResource(second.service);
    const caller = await callerOf(opened.service);
    const ask = () => opened.service.getToken(caller, { resources: [MCP], claims: {} });
    expect(decodeJwt((await ask()).token).aud).toBe(MCP);
    await second.service.resources.remove(localCaller, MCP);
    await expect(ask()).rejects.toMatchObject(invalidTarget);
  });

  const SCOPES: { name: string; resources: string[]; scope?: string; isRefused?: boolean }[] = [
    { name: "a scope of it", resources: [MCP], scope: "tools:read" },
    { name: "a scope of each of several", resources: [MCP, FILES], scope: "tools:read files:read" },
    { name: "no scope", resources: [MCP] },
    { name: "a scope of another resource", resources: [MCP], scope: "files:read", isRefused: true },
    { name: "one scope too many", resources: [MCP, FILES], scope: "tools:read other", isRefused: true },
    { name: "a name that every object has", resources: [MCP], scope: "constructor", isRefused: true },
    { name: "any scope, where an audience is no resource", resources: [MCP, "orders"], scope: "other" },
    { name: "any scope, where a resource has none", resources: [MCP, "urn:example:bare"], scope: "other" },
  ];

  it.each(SCOPES)("decides a request with $name by the scopes of the resources", async (asked) => {
    await using given = await openWithResources();
    await addResource(given.opened.service, { audience: "urn:example:bare", scopes: {} });
    const any = await callerOf(given.opened.service, { audiences: ["*", "orders"] });
    const issued = given.ask(asked.resources, asked.scope, any);
    if (asked.isRefused) await expect(issued).rejects.toMatchObject(denied("scope"));
    else expect((await issued).scope).toBe(asked.scope ?? "");
  });

  it("refuses a scope of the resource that the client may not request", async () => {
    await using given = await openWithResources();
    await expect(given.ask([MCP], "tools:run")).rejects.toMatchObject(denied("scope"));
  });
});

describe("refreshToken for resources", () => {
  const open = async () => {
    const given = await openWithResources();
    const { service } = given.opened;
    const first = await issueGrant(service, given.client, { resources: [MCP, FILES], scope: "tools:read files:read" });
    return { ...given, service, first };
  };

  it("narrows the audience of the access token, and that of no later one", async () => {
    await using given = await open();
    const { service, client, first } = given;
    const narrow = await service.refreshToken(client, { ...first, resources: [FILES] });
    expect(decodeJwt(narrow.token)).toMatchObject({ aud: FILES, sid: decodeJwt(first.token).sid });
    const both = await service.refreshToken(client, { refreshToken: narrow.refreshToken ?? "" });
    expect(decodeJwt(both.token).aud).toEqual([MCP, FILES]);
    const again = await service.refreshToken(client, {
      refreshToken: both.refreshToken ?? "",
      resources: [FILES, MCP, FILES],
    });
    expect(decodeJwt(again.token).aud).toEqual([FILES, MCP]);
  });

  it.each([
    ...NO_TARGETS,
    ["an audience of the client, but not of the grant", ["orders"]],
    ["the default audience", [ISSUER]],
    ["one of the grant beside another", [MCP, "orders"]],
  ] satisfies typeof NO_TARGETS)(
    "refuses a resource that is %s, and the refresh token is not consumed (P21)",
    async (_, resources) => {
      await using given = await open();
      const { service, client, first } = given;
      await expect(service.refreshToken(client, { ...first, resources })).rejects.toMatchObject(invalidTarget);
      const [record] = await given.opened.auditRecords("refreshToken");
      expect(record).toMatchObject({ outcome: "refused", reason: "invalid_target", clientId: client.clientId });
      // Later than the replay window, a used token would be refused.
      given.opened.clock.now += 3600;
      await expect(service.refreshToken(client, first)).resolves.toBeDefined();
    },
  );

  it("does not tell another client which resources a grant has", async () => {
    await using given = await open();
    const stranger = await callerOf(given.service);
    for (const resources of [[MCP], ["orders"]])
      await expect(given.service.refreshToken(stranger, { ...given.first, resources })).rejects.toMatchObject({
        reason: "invalid_refresh_token",
      });
  });
});

it("a request without resources reads none", async () => {
  const read: string[][] = [];
  const wrap = (store: Store): Store => ({
    ...store,
    async findResources(audiences) {
      read.push([...audiences]);
      return store.findResources(audiences);
    },
  });
  await using opened = await openWithClient({ wrap });
  const first = await issueGrant(opened.service, opened.caller);
  await opened.service.refreshToken(opened.caller, first);
  expect(read).toEqual([]);
});
