import { describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { addResource, MCP, newResource } from "../support/resources.ts";
import { NOW } from "../support/service.ts";
import { callerOf, openWithClient } from "../support/with-client.ts";

const denied = (path: string) => ({ reason: "permission_denied", issues: [{ path, message: expect.any(String) }] });

/** A service, and a manager of clients that may request tokens for one audience. */
async function openWithManager(audiences: string[] = [MCP]) {
  const opened = await openWithClient();
  const manager = await callerOf(opened.service, { permissions: ["manage_clients"], audiences });
  return { opened, manager, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
}

describe("resources", () => {
  it("are listed by name until they are removed, by every server", async () => {
    await using opened = await openWithClient();
    const { resources } = opened.service;
    const tools = await addResource(opened.service, { name: "tools" });
    expect(tools).toEqual({ ...newResource({ name: "tools" }), createdAt: NOW });
    const files = await addResource(opened.service, { audience: "urn:example:files", name: "files", open: true });
    expect(await resources.list(localCaller)).toEqual([files, tools]);
    await opened.restart();
    expect(await opened.service.resources.remove(localCaller, files.audience)).toEqual({ audience: files.audience });
    expect(await opened.service.resources.list(localCaller)).toEqual([tools]);
  });

  it("have one audience each: a second one, and the removal of an unknown one, are refused", async () => {
    await using opened = await openWithClient();
    const first = await addResource(opened.service);
    const second = addResource(opened.service, { name: "second", scopes: {}, open: true });
    await expect(second).rejects.toMatchObject({ reason: "resource_exists" });
    const unknown = opened.service.resources.remove(localCaller, `${MCP}/`);
    await expect(unknown).rejects.toMatchObject({ reason: "unknown_resource" });
    expect(await opened.service.resources.list(localCaller)).toEqual([first]);
  });

  it.each(["__proto__", "constructor", "prototype", "toJSON"])("cannot have a scope %s", async (name) => {
    await using opened = await openWithClient();
    const refused = addResource(opened.service, { scopes: Object.fromEntries([[name, "A"]]) });
    const message = expect.stringContaining(`must have no scope ${name}`);
    await expect(refused).rejects.toMatchObject({ reason: "invalid_request", issues: [{ path: "scopes", message }] });
    expect(await opened.service.resources.list(localCaller)).toEqual([]);
  });

  it("are managed by the permission manage_clients alone", async () => {
    await using opened = await openWithClient();
    const { service, caller } = opened;
    const { resources } = service;
    const acts = [resources.create(caller, newResource()), resources.list(caller), resources.remove(caller, MCP)];
    for (const act of acts) await expect(act).rejects.toMatchObject(denied("permission"));
    expect(await resources.list(localCaller)).toEqual([]);
  });

  it("are audited with the audience as the target, also where they are refused", async () => {
    await using opened = await openWithClient();
    const { service, caller } = opened;
    await addResource(service);
    for (const act of [() => addResource(service), () => service.resources.create(caller, newResource())])
      await expect(act()).rejects.toThrow();
    await service.resources.remove(localCaller, MCP);
    const created = await opened.auditRecords("resources.create");
    const target = MCP;
    expect(created).toMatchObject([
      { target, outcome: "refused", reason: "permission_denied", clientId: caller.clientId },
      { target, outcome: "refused", reason: "resource_exists" },
      { target, outcome: "allowed", clientId: "local" },
    ]);
    expect(await opened.auditRecords("resources.remove")).toMatchObject([{ target, outcome: "allowed" }]);
  });
});

describe("a manager of clients who is no administrator", () => {
  it("manages the resources whose audience it has, and lists all", async () => {
    await using given = await openWithManager();
    const { resources } = given.opened.service;
    const other = await addResource(given.opened.service, { audience: "urn:example:other", name: "other" });
    const own = await resources.create(given.manager, newResource());
    expect(await resources.list(given.manager)).toEqual([own, other]);
    expect(await resources.remove(given.manager, MCP)).toEqual({ audience: MCP });
  });

  it.each(["urn:example:other", `${MCP}/`, "https://api.example", "*"])(
    "cannot create or remove the resource %s, which is none of its audiences",
    async (audience) => {
      await using given = await openWithManager();
      const { service } = given.opened;
      const refused = service.resources.create(given.manager, newResource({ audience }));
      await expect(refused).rejects.toMatchObject(denied("audience"));
      const present = await addResource(service, { audience });
      const removal = service.resources.remove(given.manager, audience);
      await expect(removal).rejects.toMatchObject(denied("audience"));
      expect(await service.resources.list(localCaller)).toEqual([present]);
    },
  );

  it("manages every resource if it has any audience by an asterisk", async () => {
    await using given = await openWithManager(["*"]);
    const { resources } = given.opened.service;
    await resources.create(given.manager, newResource());
    expect(await resources.remove(given.manager, MCP)).toEqual({ audience: MCP });
  });

  it("manages none any more once the audience was withdrawn", async () => {
    await using given = await openWithManager();
    const { service } = given.opened;
    await service.clients.update(localCaller, { clientId: given.manager.clientId, audiences: [] });
    const refused = service.resources.create(given.manager, newResource());
    await expect(refused).rejects.toMatchObject(denied("audience"));
  });
});
