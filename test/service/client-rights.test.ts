import { describe, expect, it } from "vitest";
import { type Caller, localCaller } from "../../src/service/access/caller.ts";
import type { NewClient } from "../../src/service/clients/client-metadata.ts";
import type { TokenService } from "../../src/service/service.ts";
import { authMethods } from "../../src/store/client.ts";
import { basic, callAs } from "../support/call-as.ts";
import { newClientKey, presentAssertion } from "../support/client-assertion.ts";
import { addClient, newClient } from "../support/clients.ts";
import { openServer, openService } from "../support/service.ts";
import { USE_CASES } from "../support/use-cases.ts";
import { callerOf } from "../support/with-client.ts";

const ADDRESS = "192.0.2.1";
const CALLBACK = "https://app.example/callback";

const denied = (path: string) => ({ reason: "permission_denied", issues: [{ path, message: expect.any(String) }] });

const key = newClientKey();

/** All metadata of a client by a method. */
const METADATA: Record<(typeof authMethods)[number], Partial<NewClient>> = {
  client_secret_basic: {},
  client_secret_post: { authMethod: "client_secret_post" },
  private_key_jwt: { jwks: { keys: [key.jwk] } },
  none: { authMethod: "none" },
};
const everything = {
  redirectUris: [CALLBACK],
  postLogoutRedirectUris: [CALLBACK],
  firstParty: true,
  backchannelLogoutUri: CALLBACK,
} satisfies Partial<NewClient>;

async function callerBy(service: TokenService, fields: Partial<NewClient>): Promise<Caller> {
  const { clientId, clientSecret } = await addClient(service, fields);
  const { authMethod: method } = { authMethod: "client_secret_basic" as const, ...fields };
  if (fields.jwks !== undefined) return service.authenticate(await presentAssertion({ clientId, key }), ADDRESS);
  return service.authenticate(
    method === "none" ? { method, clientId } : { method: method as "client_secret_post", clientId, clientSecret },
    ADDRESS,
  );
}

/** What every client may do without a permission, with its own tokens. */
const WITHOUT_PERMISSION = ["revokeToken", "revokeToken, unknown", "revoke, itself"];

describe("P27: the metadata of a client", () => {
  it.each(authMethods)("gives no right, by %s", async (method) => {
    await using opened = await openService({ open: false });
    const { service } = opened;
    const { clientId } = await addClient(service);
    const caller = await callerBy(service, { ...everything, ...METADATA[method] });
    expect(caller).toMatchObject({ authMethod: method, permissions: [], scopes: [], audiences: [], anySubject: false });
    for (const [name, act] of Object.entries(USE_CASES)) {
      if (WITHOUT_PERMISSION.includes(name)) continue;
      const acting = act({ service, caller, token: "x", refreshToken: "x", clientId });
      // A client that people grant tokens to may refresh those, and has none yet.
      const reason = name.startsWith("refreshToken") ? "invalid_refresh_token" : "permission_denied";
      await expect(acting, name).rejects.toMatchObject({ reason });
    }
  });

  it("gives a public client none of the permissions that an earlier release may have given it", async () => {
    await using opened = await openService({ open: false });
    const { service, store } = opened;
    const { clientId } = await addClient(service, { authMethod: "none" });
    const { asOf: _, secrets: __, ...from } = (await store.findClient(clientId)) ?? expect.fail();
    const to = { ...from, permissions: ["admin", "issue", "follow_events"] } as const;
    const record = { id: "a", at: opened.clock.now, action: "clients.update", outcome: "allowed" } as const;
    expect(await store.updateClient(clientId, { from, to }, record)).toBe("updated");
    const caller = await service.authenticate({ method: "none", clientId }, ADDRESS);
    for (const [name, act] of Object.entries(USE_CASES)) {
      if (WITHOUT_PERMISSION.includes(name)) continue;
      const acting = act({ service, caller, token: "x", refreshToken: "x", clientId });
      await expect(acting, name).rejects.toMatchObject({ reason: "permission_denied" });
    }
    await expect(service.follow(caller, {}).next()).rejects.toMatchObject({ reason: "permission_denied" });
  });
});

describe("P27: a first-party client", () => {
  const ofManager = {
    permissions: ["manage_clients", "issue"],
    scopes: ["*"],
    audiences: ["*"],
    anySubject: true,
  } as const;
  const firstParty = { redirectUris: [CALLBACK], firstParty: true };

  it("is added by an administrator alone", async () => {
    await using opened = await openService({ open: false });
    const { service } = opened;
    const manager = await callerOf(service, ofManager);
    const admin = await callerOf(service, { permissions: ["admin"] });
    const creating = service.clients.create(manager, newClient(firstParty));
    await expect(creating).rejects.toMatchObject(denied("firstParty"));
    await expect(service.clients.create(admin, newClient(firstParty))).resolves.toMatchObject({ firstParty: true });
    const other = newClient({ ...firstParty, firstParty: false });
    await expect(service.clients.create(manager, other)).resolves.not.toMatchObject({ firstParty: true });
  });

  it("is made, changed, taken over and removed by no manager of clients", async () => {
    await using opened = await openService({ open: false });
    const { service } = opened;
    const { clients } = service;
    const manager = await callerOf(service, ofManager);
    const { clientId: other } = await addClient(service, { redirectUris: [CALLBACK] });
    const { clientId } = await addClient(service, firstParty);
    const before = await clients.list(localCaller);
    const attempts = [
      clients.update(manager, { clientId: other, firstParty: true }),
      clients.update(manager, { clientId: manager.clientId, firstParty: true }),
      clients.update(manager, { clientId, firstParty: false }),
      clients.update(manager, { clientId, redirectUris: ["https://evil.example/callback"] }),
      clients.update(manager, { clientId, firstParty: false, redirectUris: ["https://evil.example/callback"] }),
      clients.rotateSecret(manager, { clientId, overlap: 0 }),
      clients.remove(manager, clientId),
    ];
    for (const attempt of await Promise.allSettled(attempts))
      expect(attempt).toMatchObject({ status: "rejected", reason: denied("firstParty") });
    expect(await clients.list(localCaller)).toEqual(before);
    await expect(clients.update(manager, { clientId: other, name: "mine" })).resolves.toMatchObject({ name: "mine" });
  });
});

describe("P22: the grants of a client", () => {
  it("are enforced by the typed procedures", async () => {
    await using server = await openServer({ open: false });
    const call = async (fields: Partial<NewClient>, procedure: string, input: object) => {
      const client = await addClient(server.service, { permissions: ["issue"], ...fields });
      return (await callAs(server.url, { procedure, input, authorization: basic(client) })).reason;
    };
    const token = ["getToken", {}] as const;
    expect(await call({ grants: ["refresh_token"] }, ...token)).toBe("permission_denied");
    expect(await call({ grants: [] }, ...token)).toBe("permission_denied");
    expect(await call({ grants: ["client_credentials"] }, ...token)).toBe("served");
  });

  it("are enforced at once after a change, for a refresh token that was given before", async () => {
    await using opened = await openService({ open: false });
    const { service } = opened;
    const caller = await callerOf(service);
    const { clientId } = caller;
    const { refreshToken = "" } = await service.getToken(caller, { claims: {}, refreshable: true });
    const change = (grants: NonNullable<NewClient["grants"]>) =>
      service.clients.update(localCaller, { clientId, grants });
    await change(["client_credentials"]);
    await expect(service.refreshToken(caller, { refreshToken })).rejects.toMatchObject(denied("grant"));
    await change(["refresh_token"]);
    await expect(service.getToken(caller, { claims: {} })).rejects.toMatchObject(denied("grant"));
    await expect(service.refreshToken(caller, { refreshToken })).resolves.toMatchObject({ tokenType: "Bearer" });
  });

  it("are given by no manager that lacks them, but for codes, which people grant", async () => {
    await using opened = await openService({ open: false });
    const { service } = opened;
    const fields = { permissions: ["manage_clients", "issue"], grants: ["client_credentials"] } as const;
    const manager = await callerOf(service, fields);
    const create = (grants: NewClient["grants"], more: Partial<NewClient> = {}) =>
      service.clients.create(manager, newClient({ grants, scopes: [], ...more }));
    await expect(create(["client_credentials"])).resolves.toBeDefined();
    await expect(create(["authorization_code"], { redirectUris: [CALLBACK] })).resolves.toBeDefined();
    await expect(create(["device_code"])).resolves.toBeDefined();
    await expect(create(["refresh_token"])).rejects.toMatchObject(denied("grants"));
    const { clientId } = manager;
    const change = service.clients.update(manager, { clientId, grants: ["client_credentials", "refresh_token"] });
    await expect(change).rejects.toMatchObject(denied("grants"));
  });
});

describe("P25: a client that sends its secret in a form", () => {
  it("is refused by HTTP Basic at every typed procedure, in the words of a wrong secret", async () => {
    await using server = await openServer({ open: false });
    const client = await addClient(server.service, { authMethod: "client_secret_post", permissions: ["admin"] });
    const call = (authorization: string) => callAs(server.url, { procedure: "clients.list", authorization });
    const refused = await call(basic(client));
    expect(refused).toMatchObject({ status: 401, reason: "invalid_client" });
    expect(refused.error).toEqual((await call(basic({ ...client, clientSecret: "guess" }))).error);
  });

  it.each(["private_key_jwt", "none"] as const)("neither is one with %s, by any secret", async (method) => {
    await using server = await openServer({ open: false });
    const { clientId } = await addClient(server.service, METADATA[method]);
    for (const clientSecret of ["", "x", "undefined", "null"]) {
      const { status } = await callAs(server.url, {
        procedure: "getToken",
        authorization: basic({ clientId, clientSecret }),
      });
      expect(status).toBe(401);
    }
  });
});

it("clients.ensureAdmin takes the metadata of the administrator back", async () => {
  await using opened = await openService({ open: false });
  const { clients } = opened.service;
  const secret = "a secret of at least 32 characters";
  await clients.ensureAdmin(secret);
  const changes = { redirectUris: [CALLBACK], grants: ["authorization_code"], firstParty: true } as const;
  await clients.update(localCaller, { clientId: "admin", ...changes });
  await clients.ensureAdmin(secret);
  const [admin] = await clients.list(localCaller);
  expect(admin).toMatchObject({ authMethod: "client_secret_basic", grants: ["client_credentials", "refresh_token"] });
  for (const field of ["redirectUris", "firstParty"]) expect(admin).not.toHaveProperty(field);
  await expect(clients.update(localCaller, { clientId: "admin", name: "chief" })).resolves.toBeDefined();
});
