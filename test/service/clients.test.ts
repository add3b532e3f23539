import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { MACHINE_CLIENT } from "../../src/store/client.ts";
import { addClient, newClient } from "../support/clients.ts";
import { NOW, openService } from "../support/service.ts";
import { openSharedService } from "../support/shared-service.ts";

const ADDRESS = "192.0.2.1";
const wrong = { reason: "invalid_client" };
const unknown = { reason: "unknown_client" };

const sha256 = (text: string) => createHash("sha256").update(text).digest("base64url");

describe("clients.create", () => {
  it("returns the client with a secret of 256 random bits", async () => {
    await using opened = await openService({ open: false });
    const fields = newClient({ name: "billing", permissions: ["issue"], scopes: ["a"], audiences: ["b"], maxTtl: 60 });
    const { clientId, clientSecret, ...view } = await opened.service.clients.create(localCaller, fields);
    expect(clientId).toMatch(/^[0-9a-f-]{36}$/);
    expect(clientSecret).toMatch(/^[\w-]{43}$/);
    expect(view).toEqual({ ...fields, ...MACHINE_CLIENT, createdAt: NOW, secrets: [{ createdAt: NOW }] });
    expect((await addClient(opened.service)).clientSecret).not.toBe(clientSecret);
  });

  it("stores nothing of the secret but its SHA-256", async () => {
    await using opened = await openSharedService();
    const { clientId, clientSecret } = await addClient(opened.service);
    const [row] = opened.rows("clients");
    expect(row).toMatchObject({ client_id: clientId });
    expect(JSON.parse(String(row?.secrets))).toEqual([{ hash: sha256(clientSecret), createdAt: NOW }]);
    expect(JSON.stringify([opened.rows("clients"), opened.rows("audit")])).not.toContain(clientSecret);
  });
});

describe("clients.list", () => {
  it("returns every client, without secrets and their hashes", async () => {
    await using opened = await openService({ open: false });
    const made = [await addClient(opened.service, { name: "b" }), await addClient(opened.service, { name: "a" })];
    const { clientSecret } = await opened.service.clients.rotateSecret(localCaller, {
      clientId: made[0]?.clientId ?? "",
      overlap: 60,
    });
    const listed = await opened.service.clients.list(localCaller);
    expect(listed.map(({ name, secrets }) => ({ name, secrets }))).toEqual([
      { name: "a", secrets: [{ createdAt: NOW }] },
      { name: "b", secrets: [{ createdAt: NOW }, { createdAt: NOW, expiresAt: NOW + 60 }] },
    ]);
    for (const secret of [clientSecret, ...made.map(({ clientSecret }) => clientSecret)]) {
      expect(JSON.stringify(listed)).not.toContain(secret);
      expect(JSON.stringify(listed)).not.toContain(sha256(secret));
    }
  });
});

describe("clients.remove", () => {
  it("revokes all rights of a client before it returns, on every server", async () => {
    await using opened = await openSharedService();
    await using second = await opened.openSecond();
    const services = [opened.service, second.service];
    const client = await addClient(opened.service, { permissions: ["issue"] });
    const other = await addClient(opened.service);
    for (const { authenticate } of services) await expect(authenticate(client, ADDRESS)).resolves.toBeDefined();
    await expect(opened.service.clients.remove(localCaller, client.clientId)).resolves.toEqual({
      clientId: client.clientId,
    });
    for (const { authenticate } of services) {
      await expect(authenticate(client, ADDRESS)).rejects.toMatchObject(wrong);
      await expect(authenticate(other, ADDRESS)).resolves.toBeDefined();
    }
  });

  it("refuses a token whose issuance is in progress", async () => {
    await using opened = await openService({ open: false });
    const { service } = opened;
    const client = await addClient(service, { permissions: ["issue"] });
    const caller = await service.authenticate(client, ADDRESS);
    await service.clients.remove(localCaller, client.clientId);
    for (const refreshable of [false, true])
      await expect(service.getToken(caller, { claims: {}, refreshable })).rejects.toMatchObject(wrong);
  });

  it("invalidates also the secrets that are still valid after a rotation", async () => {
    await using opened = await openService({ open: false });
    const client = await addClient(opened.service);
    const { clientId } = client;
    const rotated = await opened.service.clients.rotateSecret(localCaller, { clientId, overlap: 3600 });
    await opened.service.clients.remove(localCaller, clientId);
    for (const credentials of [client, rotated]) {
      await expect(opened.service.authenticate(credentials, ADDRESS)).rejects.toMatchObject(wrong);
    }
  });

  it("removes a client once, of many concurrent removals", async () => {
    await using opened = await openSharedService();
    await using second = await opened.openSecond();
    const { clientId } = await addClient(opened.service);
    const services = [opened.service, second.service, opened.service, second.service];
    const outcomes = await Promise.allSettled(services.map(({ clients }) => clients.remove(localCaller, clientId)));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject(unknown);
    }
  });
});

describe("an unknown client", () => {
  it.each(["nobody", "local", "system", "", "\0", "' or 1=1 --"])("%j is not found", async (clientId) => {
    await using opened = await openService({ open: false });
    await addClient(opened.service);
    const { clients, authenticate } = opened.service;
    await expect(clients.rotateSecret(localCaller, { clientId, overlap: 0 })).rejects.toMatchObject(unknown);
    await expect(clients.remove(localCaller, clientId)).rejects.toMatchObject(unknown);
    await expect(authenticate({ clientId, clientSecret: "x" }, ADDRESS)).rejects.toMatchObject(wrong);
    expect(await clients.list(localCaller)).toHaveLength(1);
  });
});
