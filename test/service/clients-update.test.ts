import { describe, expect, it } from "vitest";
import { createTokenRouter } from "../../src/router/router.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import type { TokenService } from "../../src/service/service.ts";
import type { Permission } from "../../src/store/client.ts";
import type { Store } from "../../src/store/store.ts";
import { addClient, type newClient } from "../support/clients.ts";
import { openService } from "../support/service.ts";
import { openSharedService } from "../support/shared-service.ts";
import { USE_CASES } from "../support/use-cases.ts";
import { callerOf, issueGrant } from "../support/with-client.ts";

const ADDRESS = "192.0.2.1";
const denied = (path = "permission") => ({
  reason: "permission_denied",
  issues: [{ path, message: expect.any(String) }],
});

const update = ({ clients }: TokenService, ...[change]: Change) => clients.update(localCaller, change);
type Change = [change: Parameters<TokenService["clients"]["update"]>[1]];

describe("clients.update", () => {
  it("changes the given fields and no other, and audits their names", async () => {
    await using opened = await openService({ open: false });
    const { service } = opened;
    const { clientId } = await addClient(service, { permissions: ["issue"], scopes: ["a"], maxTtl: 60 });
    const [before] = await service.clients.list(localCaller);
    const changed = await update(service, { clientId, name: "other", scopes: ["a", "b"], permissions: ["issue"] });
    expect(changed).toEqual({ ...before, name: "other", scopes: ["a", "b"] });
    expect(await update(service, { clientId, maxTtl: null })).toEqual({ ...changed, maxTtl: undefined });
    expect(await update(service, { clientId, anySubject: false, maxTtl: undefined })).toEqual({
      ...changed,
      maxTtl: undefined,
    });
    const { records } = await service.audit.list(localCaller, { action: "clients.update", limit: 10 });
    const record = { target: clientId, clientId: "local", outcome: "allowed" };
    expect(records.map(({ id: _, at: __, action: ___, ...rest }) => rest)).toEqual([
      record,
      { ...record, fields: ["maxTtl"] },
      { ...record, fields: ["name", "scopes"] },
    ]);
  });

  it("refuses an unknown client, and a change of nothing", async () => {
    await using opened = await openService();
    const procedures = createTokenRouter(opened.service).createCaller({ authenticate: async () => localCaller });
    const unknown = procedures.clients.update({ clientId: "unknown", name: "other" });
    await expect(unknown).rejects.toMatchObject({ cause: { reason: "unknown_client" } });
    for (const change of [{}, { maxTtl: undefined }]) {
      const nothing = procedures.clients.update({ clientId: "unknown", ...change });
      await expect(nothing).rejects.toMatchObject({ code: "BAD_REQUEST" });
    }
  });

  it("applies one of two concurrent changes, and reports the conflict", async () => {
    await using opened = await openService({ wrap: (store) => before(store, "updateClient", () => race?.()) });
    let race: (() => Promise<unknown>) | undefined;
    const { service } = opened;
    const { clientId } = await addClient(service);
    race = async () => {
      race = undefined;
      await update(service, { clientId, scopes: ["first"] });
    };
    await expect(update(service, { clientId, scopes: ["second"] })).rejects.toMatchObject({ reason: "conflict" });
    expect(await service.clients.list(localCaller)).toMatchObject([{ scopes: ["first"] }]);
  });

  it("limits the tokens and the refreshed tokens that the client gets from then on", async () => {
    await using opened = await openService({ open: false });
    const { service } = opened;
    const client = await addClient(service, { permissions: ["issue"], scopes: ["a", "b"], anySubject: true });
    const { clientId } = client;
    const caller = await service.authenticate(client, ADDRESS);
    let { refreshToken } = await issueGrant(service, caller, { scope: "a b" });
    const refresh = async (scope?: string) => {
      const answer = await service.refreshToken(caller, { refreshToken, scope });
      refreshToken = answer.refreshToken ?? "";
      return answer;
    };

    await update(service, { clientId, maxTtl: 60 });
    expect((await service.getToken(caller, { claims: {} })).expiresIn).toBe(60);
    expect((await refresh()).expiresIn).toBe(60);
    await update(service, { clientId, scopes: ["a"], maxTtl: null });
    await expect(refresh()).rejects.toMatchObject(denied("scope"));
    expect(await refresh("a")).toMatchObject({ scope: "a", expiresIn: 900 });
    await update(service, { clientId, anySubject: false });
    await expect(refresh("a")).rejects.toMatchObject(denied("subject"));
    await update(service, { clientId, anySubject: true, permissions: [] });
    await expect(refresh("a")).rejects.toMatchObject(denied());
    await update(service, { clientId, permissions: ["issue"] });
    expect(await refresh("a")).toMatchObject({ scope: "a" });
  });
});

/** A store that does something else before each call of one verb. */
function before(store: Store, verb: "updateClient" | "revoke" | "replaceSecrets", act: () => unknown): Store {
  return {
    ...store,
    async [verb](...parameters: never[]) {
      await act();
      return (store[verb] as (...parameters: never[]) => Promise<unknown>)(...parameters);
    },
  };
}

/** What every client may do without a permission, with its own tokens. */
const WITHOUT_PERMISSION = ["revokeToken", "revokeToken, unknown", "revoke, itself"];

describe("a permission that is withdrawn between the authentication of a client and its operation", () => {
  it.each(["the same server", "another server"])("permits nothing any more, when %s withdrew it", async (by) => {
    await using opened = await openSharedService();
    await using second = await opened.openSecond();
    const { service } = opened;
    const updating = by === "another server" ? second.service : service;
    const { clientId } = await callerOf(service);
    for (const [name, act] of Object.entries(USE_CASES)) {
      if (WITHOUT_PERMISSION.includes(name)) continue;
      const caller = await callerOf(service, { permissions: ["admin"] });
      const { token, refreshToken = "" } = await service.getToken(caller, { claims: {}, refreshable: true });
      await update(updating, { clientId: caller.clientId, permissions: [] });
      const clients = await service.clients.list(localCaller);
      const acting = act({ service, caller, token, refreshToken, clientId });
      await expect(acting, name).rejects.toMatchObject({ reason: "permission_denied" });
      expect(await service.clients.list(localCaller), name).toEqual(clients);
      const { records } = await service.audit.list(localCaller, { clientId: caller.clientId, limit: 10 });
      expect(records[0], name).toMatchObject({ outcome: "refused", reason: "permission_denied" });
    }
  });

  it("permits no change, when it is withdrawn after the authorisation and before the change", async () => {
    let race: (() => Promise<unknown>) | undefined;
    await using opened = await openService({ open: false, wrap: (store) => before(store, "revoke", () => race?.()) });
    const { service } = opened;
    const change = async (permissions: Permission[], caller: { clientId: string }) => {
      race = async () => {
        race = undefined;
        await update(service, { clientId: caller.clientId, permissions });
      };
    };
    const caller = await callerOf(service, { permissions: ["revoke"] });
    const revoke = () => service.revokeAll(caller, { kind: "subject", id: "ada" });
    const { sequence } = await opened.store.position();
    await change(["revoke", "issue"], caller);
    expect((await revoke()).sequence, "the permission is still there").toBeGreaterThan(sequence);
    await change(["issue"], caller);
    await expect(revoke()).rejects.toMatchObject(denied());
    expect(await opened.store.listRevocations(0, 10)).toHaveLength(1);
    const { records } = await service.audit.list(localCaller, { action: "revoke", limit: 10 });
    expect(records.map(({ outcome }) => outcome)).toEqual(["refused", "allowed"]);
  });

  it.each(["the same server", "another server"])("ends the feed of its follower, when %s withdrew it", async (by) => {
    await using opened = await openSharedService();
    await using second = await opened.openSecond();
    const follower = await callerOf(opened.service, { permissions: ["follow_events"] });
    const following = (async () => {
      for await (const _ of opened.service.follow(follower, {}));
    })().catch((error: unknown) => error);
    const updating = by === "another server" ? second.service : opened.service;
    await update(updating, { clientId: follower.clientId, permissions: ["follow_events", "issue"] });
    await update(updating, { clientId: follower.clientId, permissions: ["issue"] });
    expect(await following).toMatchObject(denied());
  });
});

const ofManager = {
  permissions: ["manage_clients", "issue"],
  scopes: ["orders:read"],
  audiences: ["orders"],
  anySubject: false,
  maxTtl: 600,
} satisfies Partial<ReturnType<typeof newClient>>;

/** Every way to exceed the rights of such a manager. */
const violations: [path: string, fields: Partial<ReturnType<typeof newClient>>][] = [
  ["permissions", { permissions: ["admin"] }],
  ["permissions", { permissions: ["issue", "rotate_keys"] }],
  ["scopes", { scopes: ["*"] }],
  ["audiences", { audiences: ["billing"] }],
  ["anySubject", { anySubject: true }],
  ["maxTtl", { maxTtl: 601 }],
];

describe("a manager of clients who is no administrator", () => {
  it("gives no client, nor itself, a right that it lacks, and takes none from a client with more", async () => {
    await using opened = await openService({ open: false });
    const { service } = opened;
    const manager = await callerOf(service, ofManager);
    const refused = async (path: string, change: Change[0]) => {
      const clients = await service.clients.list(localCaller);
      await expect(service.clients.update(manager, change)).rejects.toMatchObject(denied(path));
      expect(await service.clients.list(localCaller)).toEqual(clients);
    };
    const weak = await callerOf(service, { ...ofManager, permissions: [] });
    for (const [path, fields] of violations) {
      for (const { clientId } of [weak, manager]) await refused(path, { clientId, ...fields });
      const { clientId } = await callerOf(service, { ...ofManager, ...fields });
      await refused(path, { clientId, ...ofManager });
    }
    for (const { clientId } of [weak, manager]) await refused("maxTtl", { clientId, maxTtl: null });
    await service.clients.update(manager, { clientId: weak.clientId, ...ofManager, maxTtl: 60 });
    await service.clients.update(manager, { clientId: manager.clientId, permissions: ["manage_clients"] });
    await refused("permissions", { clientId: manager.clientId, permissions: ["manage_clients", "issue"] });
  });

  it("gets no secret of a client that is given more rights meanwhile", async () => {
    let race: (() => Promise<unknown>) | undefined;
    await using opened = await openService({
      open: false,
      wrap: (store) => before(store, "replaceSecrets", () => race?.()),
    });
    const { service } = opened;
    const manager = await callerOf(service, ofManager);
    const { clientId } = await addClient(service, { ...ofManager, permissions: [] });
    race = () => update(service, { clientId, permissions: ["admin"] });
    const rotating = service.clients.rotateSecret(manager, { clientId, overlap: 0 });
    await expect(rotating).rejects.toMatchObject({ reason: "conflict" });
    const removing = service.clients.remove(manager, clientId);
    await expect(removing).rejects.toMatchObject(denied("permissions"));
  });
});

it("clients.ensureAdmin gives the administrator the rights back that it has lost", async () => {
  await using opened = await openService({ open: false });
  const { clients } = opened.service;
  const secret = "a secret of at least 32 characters";
  await clients.ensureAdmin(secret);
  await clients.update(localCaller, { clientId: "admin", permissions: ["issue"], maxTtl: 60 });
  await clients.ensureAdmin(secret);
  const [admin] = await clients.list(localCaller);
  expect(admin).toMatchObject({ permissions: ["admin"], anySubject: true });
  expect(admin?.maxTtl).toBeUndefined();
});
