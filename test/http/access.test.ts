import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Meta } from "../../src/router/procedure.ts";
import { createTokenRouter } from "../../src/router/router.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import type { TokenService } from "../../src/service/service.ts";
import { type Permission, permissions } from "../../src/store/client.ts";
import { basic, callAs } from "../support/call-as.ts";
import { addClient, newClient } from "../support/clients.ts";
import { follow } from "../support/follow.ts";
import { beginSignIn, sessionOf } from "../support/people.ts";
import { addResource, newResource } from "../support/resources.ts";
import { openServer, openService } from "../support/service.ts";

type Entry = {
  /** What it takes to call it; null where anybody may. */
  needs: Permission | null;
  /** Other permissions that are enough. */
  or?: readonly Permission[];
  /** An input that is served to every caller; made for a client. */
  input: (service: TokenService, clientId: string) => object | Promise<object>;
};

const kid = ({ jwks }: TokenService) => jwks().keys[0]?.kid;
const token = async (service: TokenService) => (await service.getToken(localCaller, { claims: {} })).token;
const clientId = async (service: TokenService) => (await addClient(service)).clientId;
const urn = () => `urn:uuid:${randomUUID()}`;
async function refreshToken(service: TokenService, clientId: string) {
  return (await service.getToken({ ...localCaller, clientId }, { claims: {}, refreshable: true })).refreshToken;
}

/** Every procedure there is: one that is added must say here who may call it. */
const procedures: Record<string, Entry> = {
  getToken: { needs: "issue", input: () => ({}) },
  verifyToken: { needs: null, input: async (service) => ({ token: await token(service) }) },
  refreshToken: {
    needs: "issue",
    input: async (service, clientId) => ({ refreshToken: await refreshToken(service, clientId) }),
  },
  introspectToken: { needs: "introspect", input: async (service) => ({ token: await token(service) }) },
  // That of another client: its own anybody may.
  revokeToken: { needs: "revoke", input: async (service) => ({ token: await token(service) }) },
  revoke: { needs: "revoke", input: () => ({ subject: "ada" }) },
  "keys.list": { needs: "rotate_keys", input: () => ({}) },
  "keys.rotate": { needs: "rotate_keys", input: () => ({}) },
  "clients.create": { needs: "manage_clients", input: () => newClient() },
  "clients.list": { needs: "manage_clients", input: () => ({}) },
  "clients.rotateSecret": {
    needs: "manage_clients",
    input: async (service) => ({ clientId: await clientId(service) }),
  },
  "clients.update": {
    needs: "manage_clients",
    input: async (service) => ({ clientId: await clientId(service), name: "other" }),
  },
  "clients.remove": { needs: "manage_clients", input: async (service) => ({ clientId: await clientId(service) }) },
  "resources.create": { needs: "manage_clients", input: () => newResource({ audience: urn() }) },
  "resources.list": { needs: "manage_clients", input: () => ({}) },
  "resources.remove": {
    needs: "manage_clients",
    input: async (service) => ({ audience: (await addResource(service, { audience: urn() })).audience }),
  },
  "tokens.find": { needs: "read_audit", input: () => ({ jti: "a" }) },
  "grants.list": { needs: "read_audit", or: ["revoke"], input: () => ({ subject: "ada" }) },
  "audit.list": { needs: "read_audit", input: () => ({}) },
  "sessions.list": { needs: "sign_in", or: ["read_audit", "revoke"], input: () => ({ subject: "ada" }) },
  "sessions.revoke": {
    needs: "sign_in",
    or: ["revoke"],
    input: async (service) => ({ sid: await sessionOf(service) }),
  },
  "consents.list": { needs: "sign_in", or: ["read_audit", "revoke"], input: () => ({ subject: "ada" }) },
  "consents.revoke": { needs: "sign_in", or: ["revoke"], input: () => ({ subject: "ada", clientId: "a" }) },
  "signIn.describe": { needs: "sign_in", input: async (service) => ({ handle: await beginSignIn(service) }) },
  "signIn.accept": {
    needs: "sign_in",
    input: async (service) => ({ handle: await beginSignIn(service), subject: "ada" }),
  },
  "signIn.refuse": { needs: "sign_in", input: async (service) => ({ handle: await beginSignIn(service) }) },
};

/** The subscriptions, and what it takes to follow each. */
const subscriptions: Record<string, Permission> = { events: "follow_events" };

const all = Object.entries(procedures).map(([procedure, entry]) => ({ procedure, ...entry }));
const forClients = all.flatMap(({ needs, ...entry }) => (needs === null ? [] : [{ ...entry, needs }]));
const forAnybody = all.filter(({ needs }) => needs === null);

it("every procedure of the router has an entry here, and nothing else has", async () => {
  await using opened = await openService();
  const { _def } = createTokenRouter(opened.service);
  expect(Object.keys({ ...procedures, ...subscriptions }).toSorted()).toEqual(Object.keys(_def.procedures).toSorted());
});

it("the description of every procedure names the permission that it needs", async () => {
  await using opened = await openService();
  const described = createTokenRouter(opened.service)._def.procedures as object;
  const named = Object.entries<{ _def: { meta?: Partial<Meta> } }>({ ...described }).map(([name, { _def }]) => [
    name,
    _def.meta?.permission ?? null,
  ]);
  const needed = all.map(({ procedure, needs }) => [procedure, needs]);
  expect(Object.fromEntries(named)).toEqual({ ...Object.fromEntries(needed), ...subscriptions });
});

describe("access for clients", () => {
  const openForClients = () => openServer({ open: false });
  let shared: Awaited<ReturnType<typeof openForClients>>;
  beforeAll(async () => {
    shared = await openForClients();
  });
  afterAll(() => shared[Symbol.asyncDispose]());

  it.each(forClients)("$procedure answers no client, a wrong secret and an unknown client alike", async (entry) => {
    await using server = await openServer({ open: false });
    const { clientId, clientSecret } = await addClient(server.service, { permissions: ["admin"] });
    const input = await entry.input(server.service, clientId);
    const callers = [
      undefined,
      basic({ clientId, clientSecret: `${clientSecret}x` }),
      basic({ clientId: "nobody", clientSecret }),
    ];
    const answers = [];
    for (const authorization of callers) answers.push(await callAs(server.url, { ...entry, input, authorization }));
    for (const { status, reason, headers } of answers) {
      expect({ status, reason }).toEqual({ status: 401, reason: "invalid_client" });
      expect(headers["www-authenticate"]).toMatch(/^Basic realm="mintmark"/);
    }
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(
      new Set(answers.map(({ headers }) => JSON.stringify({ ...headers, date: "", "x-request-id": "" }))).size,
    ).toBe(1);
  });

  it.each(forClients)("$procedure refuses a client that may do everything but $needs, and names it", async (entry) => {
    const server = shared;
    const sufficient: Permission[] = [entry.needs, ...(entry.or ?? [])];
    const others = permissions.filter((permission) => ![...sufficient, "admin"].includes(permission));
    const client = await addClient(server.service, { permissions: others });
    const authorization = basic(client);
    const input = await entry.input(server.service, client.clientId);
    const { status, reason, error } = await callAs(server.url, { ...entry, input, authorization });
    expect({ status, reason }).toEqual({ status: 403, reason: "permission_denied" });
    expect(error?.message).toMatch(new RegExp(`\\b${sufficient.join(" or ")} is missing`));
  });

  it.each(forClients)("$procedure serves a client that may do $needs alone, and an administrator", async (entry) => {
    const server = shared;
    for (const permission of [entry.needs, ...(entry.or ?? []), "admin"] as const) {
      const client = await addClient(server.service, { permissions: [permission], audiences: ["*"] });
      const authorization = basic(client);
      const input = await entry.input(server.service, client.clientId);
      const { reason } = await callAs(server.url, { ...entry, input, authorization });
      expect({ permission, reason }).toEqual({ permission, reason: "served" });
    }
  });

  it.each(forAnybody)("$procedure serves anybody, whatever credentials come with it", async (entry) => {
    const server = shared;
    const input = await entry.input(server.service, "local");
    for (const authorization of [undefined, basic({ clientId: "nobody", clientSecret: "x" }), "Bearer x"]) {
      expect(await callAs(server.url, { ...entry, input, authorization })).toMatchObject({ reason: "served" });
    }
  });

  it("is decided for each call of a batch", async () => {
    await using server = await openServer({ open: false });
    const authorization = basic(await addClient(server.service, { permissions: ["issue"] }));
    const { reasons } = await callAs(server.url, { procedure: "getToken,keys.list,getToken", authorization });
    expect(reasons).toEqual(["served", "permission_denied", "served"]);
  });

  it("reports no input errors to an unauthenticated caller", async () => {
    await using server = await openServer({ open: false });
    expect(await callAs(server.url, { procedure: "getToken", input: { foo: 1 } })).toMatchObject({
      reason: "invalid_client",
    });
  });
});

describe("following the events", () => {
  it("is for clients with the permission, and for administrators", async () => {
    await using server = await openServer({ open: false });
    const { clientId, clientSecret } = await addClient(server.service, { permissions: ["admin"] });
    const callers = [{}, { authorization: basic({ clientId, clientSecret: "wrong" }) }];
    for (const caller of callers)
      expect(await follow(server.url, caller)).toMatchObject({ status: 401, reason: "invalid_client" });
    const others = permissions.filter((permission) => permission !== "follow_events" && permission !== "admin");
    const stranger = basic(await addClient(server.service, { permissions: others }));
    expect(await follow(server.url, { authorization: stranger })).toMatchObject({ reason: "permission_denied" });
    const follower = basic(await addClient(server.service, { permissions: ["follow_events"] }));
    for (const authorization of [follower, basic({ clientId, clientSecret })])
      expect(await follow(server.url, { authorization })).toMatchObject({ status: 200, reason: "served" });
  });
});

describe("revoking", () => {
  it("a key requires the permission to rotate keys", async () => {
    await using server = await openServer({ open: false });
    const input = { keyId: kid(server.service) };
    for (const [permission, reason] of [["revoke", "permission_denied"] as const, ["rotate_keys", "served"] as const]) {
      const authorization = basic(await addClient(server.service, { permissions: [permission] }));
      expect(await callAs(server.url, { procedure: "revoke", input, authorization })).toMatchObject({ reason });
    }
  });

  it("one's own token, an unknown token, and every token that one was issued requires no permission", async () => {
    await using server = await openServer({ open: false });
    const client = await addClient(server.service, { permissions: ["issue"] });
    const authorization = basic(client);
    const { data } = await callAs(server.url, { procedure: "getToken", input: { refreshable: true }, authorization });
    const { token, refreshToken } = data as { token: string; refreshToken: string };
    for (const input of [{ token }, { token: refreshToken }, { token: "unknown" }])
      expect(await callAs(server.url, { procedure: "revokeToken", input, authorization })).toMatchObject({
        data: { sequence: expect.any(Number) },
      });
    const input = { clientId: client.clientId };
    expect(await callAs(server.url, { procedure: "revoke", input, authorization })).toMatchObject({ reason: "served" });
  });
});

describe("open access", () => {
  it.each(all)("serves $procedure without credentials", async (entry) => {
    await using server = await openServer();
    const input = await entry.input(server.service, "local");
    expect(await callAs(server.url, { ...entry, input })).toMatchObject({ status: 200, reason: "served" });
  });

  it.each(forClients)("refuses $procedure with credentials that are wrong", async (entry) => {
    await using server = await openServer();
    const authorization = basic({ clientId: "nobody", clientSecret: "x" });
    const input = await entry.input(server.service, "local");
    expect(await callAs(server.url, { ...entry, input, authorization })).toMatchObject({
      status: 401,
      reason: "invalid_client",
    });
  });

  it("limits a client with credentials to its permissions", async () => {
    await using server = await openServer();
    const authorization = basic(await addClient(server.service, { permissions: ["issue"] }));
    expect(await callAs(server.url, { procedure: "getToken", authorization })).toMatchObject({ reason: "served" });
    expect(await callAs(server.url, { procedure: "keys.list", authorization })).toMatchObject({ status: 403 });
  });
});
