import { describe, expect, it } from "vitest";
import { createTokenRouter } from "../../src/router/router.ts";
import { localCaller } from "../../src/service/caller.ts";
import type { TokenService } from "../../src/service/service.ts";
import { type Permission, permissions } from "../../src/store/client.ts";
import { basic, callAs } from "../support/call-as.ts";
import { addClient, newClient } from "../support/clients.ts";
import { openServer, openService } from "../support/service.ts";

type Entry = {
  /** What it takes to call it; null where anybody may. */
  needs: Permission | null;
  /** An input that is served to whoever may call. */
  input: (service: TokenService) => object | Promise<object>;
};

const kid = ({ jwks }: TokenService) => jwks().keys[0]?.kid;
const token = async (service: TokenService) => (await service.getToken(localCaller, { claims: {} })).token;
const clientId = async (service: TokenService) => (await addClient(service)).clientId;

/** Every procedure there is: one that is added must say here who may call it. */
const procedures: Record<string, Entry> = {
  getToken: { needs: "issue", input: () => ({}) },
  verifyToken: { needs: null, input: async (service) => ({ token: await token(service) }) },
  revoke: { needs: "rotate_keys", input: (service) => ({ keyId: kid(service) }) },
  "keys.list": { needs: "rotate_keys", input: () => ({}) },
  "keys.rotate": { needs: "rotate_keys", input: () => ({}) },
  "clients.create": { needs: "manage_clients", input: () => newClient() },
  "clients.list": { needs: "manage_clients", input: () => ({}) },
  "clients.rotateSecret": {
    needs: "manage_clients",
    input: async (service) => ({ clientId: await clientId(service) }),
  },
  "clients.remove": { needs: "manage_clients", input: async (service) => ({ clientId: await clientId(service) }) },
  "audit.list": { needs: "read_audit", input: () => ({}) },
};

const all = Object.entries(procedures).map(([procedure, entry]) => ({ procedure, ...entry }));
const forClients = all.flatMap(({ needs, ...entry }) => (needs === null ? [] : [{ ...entry, needs }]));
const forAnybody = all.filter(({ needs }) => needs === null);

it("every procedure of the router has an entry here, and no other has", async () => {
  await using opened = await openService();
  const { _def } = createTokenRouter(opened.service);
  expect(Object.keys(procedures).toSorted()).toEqual(Object.keys(_def.procedures).toSorted());
});

describe("access for clients", () => {
  it.each(forClients)("$procedure answers no client, a wrong secret and an unknown client alike", async (entry) => {
    await using server = await openServer({ open: false });
    const { clientId, clientSecret } = await addClient(server.service, { permissions: ["admin"] });
    const input = await entry.input(server.service);
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
    expect(new Set(answers.map(({ headers }) => JSON.stringify({ ...headers, date: "" }))).size).toBe(1);
  });

  it.each(forClients)("$procedure refuses a client that may do everything but $needs, and names it", async (entry) => {
    await using server = await openServer({ open: false });
    const others = permissions.filter((permission) => permission !== entry.needs && permission !== "admin");
    const authorization = basic(await addClient(server.service, { permissions: others }));
    const input = await entry.input(server.service);
    const { status, reason, error } = await callAs(server.url, { ...entry, input, authorization });
    expect({ status, reason }).toEqual({ status: 403, reason: "permission_denied" });
    expect(error?.message).toMatch(new RegExp(`\\b${entry.needs} is missing`));
  });

  it.each(forClients)("$procedure serves a client that may do $needs alone, and an administrator", async (entry) => {
    await using server = await openServer({ open: false });
    for (const permission of [entry.needs, "admin"] as const) {
      const authorization = basic(await addClient(server.service, { permissions: [permission] }));
      const input = await entry.input(server.service);
      const { reason } = await callAs(server.url, { ...entry, input, authorization });
      expect({ permission, reason }).toEqual({ permission, reason: "served" });
    }
  });

  it.each(forAnybody)("$procedure serves anybody, whatever credentials come with it", async (entry) => {
    await using server = await openServer({ open: false });
    const input = await entry.input(server.service);
    for (const authorization of [undefined, basic({ clientId: "nobody", clientSecret: "x" }), "Bearer x"]) {
      expect(await callAs(server.url, { ...entry, input, authorization })).toMatchObject({ reason: "served" });
    }
  });

  it("is decided for every call of a batch by itself", async () => {
    await using server = await openServer({ open: false });
    const authorization = basic(await addClient(server.service, { permissions: ["issue"] }));
    const { reasons } = await callAs(server.url, { procedure: "getToken,keys.list,getToken", authorization });
    expect(reasons).toEqual(["served", "permission_denied", "served"]);
  });

  it("tells whoever is no client nothing about the input", async () => {
    await using server = await openServer({ open: false });
    expect(await callAs(server.url, { procedure: "getToken", input: { foo: 1 } })).toMatchObject({
      reason: "invalid_client",
    });
  });
});

describe("open access", () => {
  it.each(all)("serves $procedure without credentials", async (entry) => {
    await using server = await openServer();
    const input = await entry.input(server.service);
    expect(await callAs(server.url, { ...entry, input })).toMatchObject({ status: 200, reason: "served" });
  });

  it.each(forClients)("refuses $procedure with credentials that are wrong", async (entry) => {
    await using server = await openServer();
    const authorization = basic({ clientId: "nobody", clientSecret: "x" });
    const input = await entry.input(server.service);
    expect(await callAs(server.url, { ...entry, input, authorization })).toMatchObject({
      status: 401,
      reason: "invalid_client",
    });
  });

  it("keeps a client that shows credentials to what it may do", async () => {
    await using server = await openServer();
    const authorization = basic(await addClient(server.service, { permissions: ["issue"] }));
    expect(await callAs(server.url, { procedure: "getToken", authorization })).toMatchObject({ reason: "served" });
    expect(await callAs(server.url, { procedure: "keys.list", authorization })).toMatchObject({ status: 403 });
  });
});
