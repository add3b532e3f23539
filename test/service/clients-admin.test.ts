import { describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { NOW, openService } from "../support/service.ts";
import { openSharedService } from "../support/shared-service.ts";

const ADDRESS = "192.0.2.1";
const SECRET = "the first secret, of 32 characters or more";
const OTHER = "the other secret, of 32 characters or more";

const withSecret = (clientSecret: string) => ({ clientId: "admin", clientSecret });
const isAdmin = { clientId: "admin", permissions: ["admin"] };
const wrong = { reason: "invalid_client" };
const isMade = { client_id: "system", action: "clients.create", target: "admin", outcome: "allowed" };
const isRotated = { ...isMade, action: "clients.rotateSecret" };

describe("clients.ensureAdmin", () => {
  it("creates a client with every permission", async () => {
    await using opened = await openService({ open: false });
    await opened.service.clients.ensureAdmin(SECRET);
    const admin = await opened.service.authenticate(withSecret(SECRET), ADDRESS);
    expect(admin).toMatchObject(isAdmin);
    await expect(opened.service.clients.list(admin)).resolves.toHaveLength(1);
    await expect(
      opened.service.getToken(admin, { subject: "ada", scope: "any thing", claims: {} }),
    ).resolves.toBeDefined();
  });

  it("changes nothing about a client with this secret", async () => {
    await using opened = await openSharedService();
    await opened.service.clients.ensureAdmin(SECRET);
    const before = opened.rows("clients");
    opened.clock.now = NOW + 100;
    await opened.service.clients.ensureAdmin(SECRET);
    expect(opened.rows("clients")).toEqual(before);
    expect(opened.rows("audit").filter(({ target }) => target === "admin")).toMatchObject([isMade]);
  });

  it("replaces the secret, and all that are still valid after a rotation", async () => {
    await using opened = await openSharedService();
    await opened.service.clients.ensureAdmin(SECRET);
    const rotated = await opened.service.clients.rotateSecret(localCaller, { clientId: "admin", overlap: 3600 });
    await opened.service.clients.ensureAdmin(OTHER);
    for (const credentials of [withSecret(SECRET), rotated]) {
      await expect(opened.service.authenticate(credentials, ADDRESS)).rejects.toMatchObject(wrong);
    }
    await expect(opened.service.authenticate(withSecret(OTHER), ADDRESS)).resolves.toMatchObject(isAdmin);
    expect(opened.rows("audit").filter(({ client_id }) => client_id === "system")).toContainEqual(
      expect.objectContaining(isRotated),
    );
  });

  it("makes this secret valid without expiry, although a rotation had set one", async () => {
    await using opened = await openService({ open: false });
    await opened.service.clients.ensureAdmin(SECRET);
    const rotated = await opened.service.clients.rotateSecret(localCaller, { clientId: "admin", overlap: 60 });
    await opened.service.clients.ensureAdmin(SECRET);
    opened.clock.now = NOW + 60;
    await expect(opened.service.authenticate(withSecret(SECRET), ADDRESS)).resolves.toMatchObject(isAdmin);
    await expect(opened.service.authenticate(rotated, ADDRESS)).rejects.toMatchObject(wrong);
  });

  it("creates one client, and replaces a secret once, on two servers that start at once", async () => {
    await using opened = await openSharedService();
    await using second = await opened.openSecond();
    const services = [opened.service, second.service];
    for (const secret of [SECRET, OTHER]) {
      await Promise.all(services.map(({ clients }) => clients.ensureAdmin(secret)));
      for (const { authenticate } of services) {
        await expect(authenticate(withSecret(secret), ADDRESS)).resolves.toMatchObject(isAdmin);
      }
    }
    expect(opened.rows("clients")).toHaveLength(1);
    const acts = opened.rows("audit").filter(({ target }) => target === "admin");
    expect(acts).toMatchObject([isMade, isRotated]);
    expect(JSON.stringify([acts, opened.rows("clients")])).not.toMatch(/secret, of 32/);
  });
});
