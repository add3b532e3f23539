import { expect, test } from "vitest";
import { MintmarkError } from "../../src/errors.ts";
import type { Resource } from "../../src/store/resource.ts";
import { describeVectors, readJsonVector } from "../support/vectors.ts";
import type { Open } from "./conformance.ts";
import { aClient, aRecord, aResource, unique } from "./samples.ts";

/** Text that databases and drivers mishandle, beside the vectors. */
const troublesome = {
  "a byte order mark": "\ufeffname",
  "a backslash and a quote": "\\' \\\" $1 ? :a @a",
  "a combining mark, not composed": "e\u0301",
  "a million characters": "𝄞".repeat(500_000),
};

export function describeStrings(open: Open): void {
  test.each(Object.entries(troublesome))("a store returns %s unchanged, or refuses it", async (_, text) => {
    await using opened = await open();
    const client = aClient({ clientId: unique(), name: text, scopes: [text] });
    const record = aRecord({ action: text, subject: text });
    const outcome = await opened.here.addClient(client, record).catch((error: unknown) => error);
    const [clients, audit] = [await opened.here.listClients(), await opened.there.listAudit({ limit: 9 })];
    if (outcome === "added") expect({ clients, audit }).toEqual({ clients: [client], audit: [record] });
    else
      expect({ outcome, clients, audit }).toEqual({
        outcome: new MintmarkError("internal_error"),
        clients: [],
        audit: [],
      });
  });

  describeVectors("blns", () => {
    const strings = [...new Set(readJsonVector<string[]>("blns/blns.json"))];

    test("a store gives every string back as it was, in every column of an audit record", async () => {
      await using opened = await open();
      const appended = strings.map((text) => ({
        ...aRecord({ id: text, clientId: text, action: text, subject: text, jti: text, kid: text, target: text }),
        address: text,
      }));
      await opened.here.appendAudit(appended);
      const listed = await opened.there.listAudit({ limit: 1000 });
      expect(byId(listed)).toEqual(byId(appended));
      for (const record of appended) {
        const { action, clientId } = record;
        expect(await opened.here.listAudit({ action, clientId, limit: 9 })).toEqual([record]);
      }
    });

    test("a store distinguishes clients by any string as id, and returns it unchanged as name and scope", async () => {
      await using opened = await open();
      const clients = strings.map((text) => aClient({ clientId: text, name: text, scopes: [text], audiences: [text] }));
      // A few at a time: a wait of more than a second for a connection fails.
      for (let at = 0; at < clients.length; at += 20) {
        const some = clients.slice(at, at + 20).map((client) => opened.here.addClient(client, aRecord()));
        expect(new Set(await Promise.all(some))).toEqual(new Set(["added"]));
      }
      for (const client of clients)
        expect(await opened.here.findClient(client.clientId)).toEqual({ ...client, asOf: expect.any(Number) });
    });

    test("a store distinguishes resources by any string as audience, and returns it unchanged as name and scope", async () => {
      await using opened = await open();
      const resources = strings.map((text) => aResource({ audience: text, name: text, scopes: { [text]: text } }));
      for (const resource of resources) expect(await opened.here.addResource(resource, aRecord())).toBe("added");
      const found = await opened.there.findResources(strings);
      expect(byAudience(found)).toEqual(byAudience(resources));
    });
  });
}

function byAudience(resources: readonly Resource[]): Resource[] {
  return resources.toSorted((a, b) => (a.audience < b.audience ? -1 : 1));
}

function byId<Item extends { id: string }>(items: readonly Item[]): Item[] {
  return items.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
