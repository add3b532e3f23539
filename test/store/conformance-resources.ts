import { describe, expect, it } from "vitest";
import type { Open } from "./conformance.ts";
import { aClient, aRecord, aResource } from "./samples.ts";

const everything = { limit: 1000 };

export function describeResources(open: Open): void {
  describe("addResource", () => {
    it("stores a resource as given, and no more", async () => {
      await using opened = await open();
      const bare = aResource({ audience: "urn:example:a", name: "a", scopes: {} });
      const full = aResource({ name: "b", scopes: { "b:2": 'says "b"', a: "é", "1": "one" }, open: true });
      for (const resource of [bare, full]) expect(await opened.here.addResource(resource, aRecord())).toBe("added");
      expect(await opened.there.listResources()).toEqual([bare, full]);
    });

    it("leaves an existing resource unchanged, and audits nothing", async () => {
      await using opened = await open();
      const resource = aResource();
      await opened.here.addResource(resource, aRecord());
      const other = { ...resource, name: "other", scopes: {}, open: true };
      expect(await opened.there.addResource(other, aRecord())).toBe("present");
      expect(await opened.here.listResources()).toEqual([resource]);
      expect(await opened.here.listAudit(everything)).toHaveLength(1);
    });

    it("adds one of many concurrent resources with the same audience", async () => {
      await using opened = await open();
      const offered = Array.from({ length: 12 }, (_, at) => aResource({ audience: "urn:a", name: `name ${at}` }));
      const outcomes = await Promise.all(
        offered.map((resource, at) => (at % 2 ? opened.here : opened.there).addResource(resource, aRecord())),
      );
      expect(outcomes.toSorted()).toEqual(["added", ...Array(11).fill("present")]);
      expect(await opened.here.listResources()).toEqual([offered[outcomes.indexOf("added")]]);
      expect(await opened.here.listAudit(everything)).toHaveLength(1);
    });

    it("changes no client, and nothing that authentication caches", async () => {
      await using opened = await open();
      const client = aClient();
      await opened.here.addClient(client, aRecord());
      const { clientsSequence } = await opened.here.position();
      const resource = aResource();
      await opened.here.addResource(resource, aRecord());
      await opened.here.removeResource(resource.audience, aRecord());
      expect((await opened.there.position()).clientsSequence).toBe(clientsSequence);
      expect(await opened.there.listClients()).toEqual([client]);
    });
  });

  describe("listResources", () => {
    it("lists resources by name, in a stable order", async () => {
      await using opened = await open();
      const names = ["tools", "files", "reports", "files"];
      for (const name of names) await opened.here.addResource(aResource({ name }), aRecord());
      const listed = await opened.here.listResources();
      expect(listed.map(({ name }) => name)).toEqual(names.toSorted());
      expect(await opened.there.listResources()).toEqual(listed);
    });
  });

  describe("findResources", () => {
    it("finds the resources with one of the audiences, each once", async () => {
      await using opened = await open();
      const [first, second, other] = [aResource(), aResource(), aResource()];
      for (const resource of [first, second, other]) await opened.here.addResource(resource, aRecord());
      const wanted = [second.audience, "urn:unknown", first.audience, second.audience];
      const found = await opened.there.findResources(wanted);
      expect(found.toSorted((a, b) => (a.audience < b.audience ? -1 : 1))).toEqual([first, second]);
    });

    it("finds no resource by an audience that is unknown, differs in case or by a slash, or is a pattern", async () => {
      await using opened = await open();
      await opened.here.addResource(aResource({ audience: "https://api.example/mcp" }), aRecord());
      const others = ["", "https://API.example/mcp", "https://api.example/mcp/", "https://api.example/%", "' or ''='"];
      expect(await opened.here.findResources(others)).toEqual([]);
      expect(await opened.here.findResources([])).toEqual([]);
    });
  });

  describe("removeResource", () => {
    it("removes one resource, once, of many concurrent requests", async () => {
      await using opened = await open();
      const [resource, other] = [aResource(), aResource()];
      for (const each of [resource, other]) await opened.here.addResource(each, aRecord());
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, at) =>
          (at % 2 ? opened.here : opened.there).removeResource(resource.audience, aRecord()),
        ),
      );
      expect(outcomes.toSorted()).toEqual(["removed", ...Array(7).fill("unknown")]);
      expect(await opened.here.listResources()).toEqual([other]);
      expect(await opened.here.listAudit(everything)).toHaveLength(3);
    });

    it("frees the audience for another resource", async () => {
      await using opened = await open();
      const resource = aResource();
      await opened.here.addResource(resource, aRecord());
      await opened.here.removeResource(resource.audience, aRecord());
      const next = { ...resource, name: "next", open: true };
      expect(await opened.there.addResource(next, aRecord())).toBe("added");
      expect(await opened.here.findResources([resource.audience])).toEqual([next]);
    });
  });
}
