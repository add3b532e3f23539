import { describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import type { NewClient } from "../../src/service/clients/client-metadata.ts";
import { addClient, newClient } from "../support/clients.ts";
import { openService } from "../support/service.ts";

const ADDRESS = "192.0.2.1";

const ofManager = {
  permissions: ["manage_clients", "issue"],
  scopes: ["orders:read"],
  audiences: ["orders"],
  anySubject: false,
  maxTtl: 600,
} as const;

/** A service, and a manager of clients with some other rights. */
async function openWithManager(fields: Partial<NewClient> = ofManager) {
  const opened = await openService({ open: false });
  const credentials = await addClient(opened.service, fields);
  const manager = await opened.service.authenticate(credentials, ADDRESS);
  return { ...opened, manager };
}

/** The most rights that such a manager can delegate, and every way to exceed them. */
const equal = { ...ofManager, name: "equal" };
const violations: [name: string, fields: Partial<NewClient>, path: string][] = [
  ["administer", { permissions: ["admin"] }, "permissions"],
  ["do what the manager may not", { permissions: ["issue", "rotate_keys"] }, "permissions"],
  ["ask for another scope", { scopes: ["orders:read", "orders:write"] }, "scopes"],
  ["ask for any scope", { scopes: ["*"] }, "scopes"],
  ["ask for another audience", { audiences: ["billing"] }, "audiences"],
  ["ask for any audience", { audiences: ["*"] }, "audiences"],
  ["name any subject", { anySubject: true }, "anySubject"],
  ["ask for a longer lifetime", { maxTtl: 601 }, "maxTtl"],
  ["ask for any lifetime", { maxTtl: undefined }, "maxTtl"],
];

const denied = (path: string) => ({ reason: "permission_denied", issues: [{ path, message: expect.any(String) }] });

describe("a manager who is no administrator", () => {
  it.each(violations)("cannot create a client that may %s", async (_name, fields, path) => {
    await using opened = await openWithManager();
    const { service, manager } = opened;
    const before = await service.clients.list(localCaller);
    await expect(service.clients.create(manager, newClient({ ...equal, ...fields }))).rejects.toMatchObject(
      denied(path),
    );
    expect(await service.clients.list(localCaller)).toEqual(before);
  });

  it.each(violations)("cannot take over or remove a client that may %s", async (_name, fields, path) => {
    await using opened = await openWithManager();
    const { service, manager } = opened;
    const client = await addClient(service, { ...equal, ...fields });
    const { clientId } = client;
    await expect(service.clients.rotateSecret(manager, { clientId, overlap: 0 })).rejects.toMatchObject(denied(path));
    await expect(service.clients.remove(manager, clientId)).rejects.toMatchObject(denied(path));
    await expect(service.authenticate(client, ADDRESS)).resolves.toMatchObject({ clientId });
  });

  it("can create, rotate and remove a client with its own rights", async () => {
    await using opened = await openWithManager();
    const { service, manager } = opened;
    const { clientId, clientSecret } = await service.clients.create(manager, newClient(equal));
    const rotated = await service.clients.rotateSecret(manager, { clientId, overlap: 0 });
    await expect(service.authenticate({ clientId, clientSecret }, ADDRESS)).rejects.toThrow();
    await expect(service.authenticate(rotated, ADDRESS)).resolves.toMatchObject({ clientId });
    await expect(service.clients.remove(manager, clientId)).resolves.toEqual({ clientId });
  });

  it("can rotate its own secret", async () => {
    await using opened = await openWithManager();
    const { service, manager } = opened;
    const rotated = await service.clients.rotateSecret(manager, { clientId: manager.clientId, overlap: 0 });
    await expect(service.authenticate(rotated, ADDRESS)).resolves.toMatchObject({ clientId: manager.clientId });
  });

  it("cannot take over the administrator of the environment", async () => {
    await using opened = await openWithManager();
    const { service, manager } = opened;
    await service.clients.ensureAdmin("a secret of at least 32 characters");
    const rotation = service.clients.rotateSecret(manager, { clientId: "admin", overlap: 0 });
    await expect(rotation).rejects.toMatchObject(denied("permissions"));
  });

  it("can delegate any scope and audience if it has them by an asterisk", async () => {
    await using opened = await openWithManager({ ...ofManager, scopes: ["*"], audiences: ["*"], anySubject: true });
    const { service, manager } = opened;
    for (const scopes of [["*"], ["anything"]]) {
      const fields = newClient({ ...equal, scopes, audiences: scopes, anySubject: true });
      await expect(service.clients.create(manager, fields)).resolves.toMatchObject({ scopes });
    }
  });
});

describe("an administrator", () => {
  it.each(violations)("creates, rotates and removes a client that may %s", async (_name, fields) => {
    await using opened = await openWithManager({ permissions: ["admin"] });
    const { service, manager } = opened;
    const { clientId } = await service.clients.create(manager, newClient({ ...equal, ...fields }));
    await expect(service.clients.rotateSecret(manager, { clientId, overlap: 0 })).resolves.toBeDefined();
    await expect(service.clients.remove(manager, clientId)).resolves.toEqual({ clientId });
  });
});
