import { describe, expect, it } from "vitest";
import { type ClientMetadata, MACHINE_CLIENT } from "../../src/store/client.ts";
import { NOW } from "../support/service.ts";
import type { Open } from "./conformance.ts";
import { aClient, aRecord, aSecret } from "./samples.ts";

const everything = { limit: 1000 };

const METADATA = {
  authMethod: "private_key_jwt",
  grants: ["authorization_code", "client_credentials", "refresh_token"],
  jwks: { keys: [{ kty: "EC", crv: "P-256", x: "x", y: "y", kid: "\u00e9" }] },
  redirectUris: ["https://app.example/callback", "com.example.app:/callback"],
  postLogoutRedirectUris: ["https://app.example/"],
  firstParty: true,
  backchannelLogoutUri: "https://app.example/logout",
} satisfies ClientMetadata;

export function describeClients(open: Open): void {
  describe("addClient", () => {
    it("adds a client, with and without optional fields; findClient returns it with the sequence number of the latest change", async () => {
      await using opened = await open();
      const bare = aClient({ name: "", permissions: [], scopes: [], audiences: [], anySubject: false, secrets: [] });
      const secrets = [aSecret(), { ...aSecret(), expiresAt: NOW + 60 }];
      const full = aClient({ maxTtl: 60, permissions: ["admin"], scopes: ["a b", '"'], secrets });
      const withKeys = aClient({ ...METADATA, secrets: [] });
      for (const client of [bare, full, withKeys]) {
        expect(await opened.here.addClient(client, aRecord())).toBe("added");
        const { sequence: asOf } = await opened.there.position();
        expect(await opened.there.findClient(client.clientId)).toEqual({ ...client, asOf });
      }
    });

    it("counts a public client, whose pages may call, as a change of clients, and no other", async () => {
      await using opened = await open();
      const { clientsSequence: before } = await opened.here.position();
      await opened.here.addClient(aClient(), aRecord());
      expect((await opened.there.position()).clientsSequence).toBe(before);
      await opened.here.addClient(aClient({ authMethod: "none", grants: [], secrets: [] }), aRecord());
      const { sequence, clientsSequence } = await opened.there.position();
      expect(clientsSequence).toBe(sequence);
    });

    it("leaves an existing client unchanged, and audits nothing", async () => {
      await using opened = await open();
      const client = aClient();
      await opened.here.addClient(client, aRecord());
      expect(await opened.there.addClient({ ...client, permissions: ["admin"] }, aRecord())).toBe("present");
      expect(await opened.here.listClients()).toEqual([client]);
      expect(await opened.here.listAudit(everything)).toHaveLength(1);
    });

    it("adds one of many concurrent clients with the same id", async () => {
      await using opened = await open();
      const offered = Array.from({ length: 12 }, () => aClient({ clientId: "admin" }));
      const outcomes = await Promise.all(
        offered.map((client, at) => (at % 2 ? opened.here : opened.there).addClient(client, aRecord())),
      );
      expect(outcomes.toSorted()).toEqual(["added", ...Array(11).fill("present")]);
      expect(await opened.here.listClients()).toEqual([offered[outcomes.indexOf("added")]]);
      expect(await opened.here.listAudit(everything)).toHaveLength(1);
    });
  });

  describe("findClient", () => {
    it("finds no client by an id that is unknown, differs in case, or is a pattern", async () => {
      await using opened = await open();
      await opened.here.addClient(aClient({ clientId: "admin" }), aRecord());
      for (const clientId of ["", "Admin", "admi%", "admin ", "' or ''='"]) {
        expect(await opened.here.findClient(clientId)).toBeUndefined();
      }
    });
  });

  describe("listClients", () => {
    it("lists clients by name, in a stable order", async () => {
      await using opened = await open();
      const names = ["worker", "backup", "reporting", "backup"];
      for (const name of names) await opened.here.addClient(aClient({ name }), aRecord());
      const listed = await opened.here.listClients();
      expect(listed.map(({ name }) => name)).toEqual(names.toSorted());
      expect(await opened.there.listClients()).toEqual(listed);
    });
  });

  describe("replaceSecrets", () => {
    it("replaces secrets that equal the given ones, and nothing else", async () => {
      await using opened = await open();
      const [client, other] = [aClient(), aClient()];
      for (const each of [client, other]) await opened.here.addClient(each, aRecord());
      const to = [aSecret(), ...client.secrets.map((secret) => ({ ...secret, expiresAt: NOW + 60 }))];
      const change = { from: client.secrets, to };
      expect(await opened.there.replaceSecrets(client.clientId, change, aRecord())).toBe("replaced");
      expect(await opened.here.findClient(client.clientId)).toEqual({
        ...client,
        secrets: to,
        asOf: expect.any(Number),
      });
      expect(await opened.here.findClient(other.clientId)).toEqual({ ...other, asOf: expect.any(Number) });
    });

    it("changes and audits nothing if the secrets have changed or the client was removed", async () => {
      await using opened = await open();
      const client = aClient();
      await opened.here.addClient(client, aRecord());
      const change = { from: [aSecret()], to: [aSecret()] };
      for (const clientId of [client.clientId, "unknown"]) {
        expect(await opened.here.replaceSecrets(clientId, change, aRecord())).toBe("changed");
      }
      expect(await opened.here.listClients()).toEqual([client]);
      expect(await opened.here.listAudit(everything)).toHaveLength(1);
    });

    it("applies one of many concurrent replacements", async () => {
      await using opened = await open();
      const client = aClient();
      await opened.here.addClient(client, aRecord());
      const offered = Array.from({ length: 12 }, () => [aSecret()]);
      const outcomes = await Promise.all(
        offered.map((to, at) => {
          const store = at % 2 ? opened.here : opened.there;
          return store.replaceSecrets(client.clientId, { from: client.secrets, to }, aRecord());
        }),
      );
      expect(outcomes.toSorted()).toEqual([...Array(11).fill("changed"), "replaced"]);
      const winner = offered[outcomes.indexOf("replaced")];
      expect((await opened.here.findClient(client.clientId))?.secrets).toEqual(winner);
    });
  });

  describe("updateClient", () => {
    it("changes the fields of a client that equal the given ones, and nothing else", async () => {
      await using opened = await open();
      const [client, other] = [aClient(), aClient()];
      for (const each of [client, other]) await opened.here.addClient(each, aRecord());
      const { clientId, createdAt, secrets, ...from } = client;
      const limited = { name: "n", permissions: [], scopes: [], audiences: ["a"], anySubject: false, maxTtl: 60 };
      const fields = { ...limited, ...MACHINE_CLIENT, grants: ["refresh_token"], firstParty: true } as const;
      const record = aRecord({ fields: ["name", "maxTtl"] });
      expect(await opened.there.updateClient(clientId, { from, to: fields }, record)).toBe("updated");
      expect((await opened.here.listAudit({ limit: 1 }))[0]).toEqual(record);
      expect(await opened.here.findClient(clientId)).toEqual({ ...client, ...fields, asOf: expect.any(Number) });
      expect(await opened.here.updateClient(clientId, { from: fields, to: from }, aRecord())).toBe("updated");
      expect(await opened.there.findClient(clientId)).toEqual({ ...client, asOf: expect.any(Number) });
      expect(await opened.here.findClient(other.clientId)).toEqual({ ...other, asOf: expect.any(Number) });
      const { sequence, clientsSequence } = await opened.there.position();
      expect(clientsSequence).toBe(sequence);
    });

    it("changes and audits nothing if any field has changed or the client was removed", async () => {
      await using opened = await open();
      const client = aClient({ maxTtl: 60 });
      await opened.here.addClient(client, aRecord());
      const to = { ...client, permissions: ["admin" as const] };
      const others = { name: "x", permissions: [], scopes: ["x"], audiences: [], anySubject: false, maxTtl: undefined };
      for (const [field, value] of Object.entries(others)) {
        const change = { from: { ...client, [field]: value }, to };
        expect(await opened.there.updateClient(client.clientId, change, aRecord()), field).toBe("changed");
      }
      expect(await opened.here.updateClient("unknown", { from: client, to }, aRecord())).toBe("changed");
      expect(await opened.here.listClients()).toEqual([client]);
      expect(await opened.here.listAudit(everything)).toHaveLength(1);
    });

    it("applies one of many concurrent changes", async () => {
      await using opened = await open();
      const client = aClient();
      await opened.here.addClient(client, aRecord());
      const names = Array.from({ length: 12 }, (_, at) => `name ${at}`);
      const outcomes = await Promise.all(
        names.map((name, at) =>
          (at % 2 ? opened.here : opened.there).updateClient(
            client.clientId,
            { from: client, to: { ...client, name } },
            aRecord(),
          ),
        ),
      );
      expect(outcomes.toSorted()).toEqual([...Array(11).fill("changed"), "updated"]);
      expect((await opened.here.findClient(client.clientId))?.name).toBe(names[outcomes.indexOf("updated")]);
    });
  });

  describe("recordUses", () => {
    it("stores the latest use of each client, of concurrent ones, and changes nothing else", async () => {
      await using opened = await open();
      const clients = [aClient({ name: "a" }), aClient({ name: "b" }), aClient({ name: "c" })];
      for (const each of clients) await opened.here.addClient(each, aRecord());
      const before = await opened.here.position();
      const at = (times: number[]) =>
        times.map((time, index) => ({ clientId: clients[index]?.clientId ?? "", at: NOW + time }));
      await Promise.all([
        opened.here.recordUses([...at([1, 9]), { clientId: "unknown", at: NOW }]),
        opened.there.recordUses(at([5, 3]).reverse()),
      ]);
      expect(await opened.here.listClients()).toEqual(
        [NOW + 5, NOW + 9, undefined].map((lastUsedAt, index) => ({ ...clients[index], lastUsedAt })),
      );
      expect((await opened.there.findClient(clients[0]?.clientId ?? ""))?.lastUsedAt).toBe(NOW + 5);
      expect({ ...(await opened.there.position()), time: 0 }).toEqual({ ...before, time: 0 });
      expect(await opened.here.listAudit(everything)).toHaveLength(3);
    });
  });

  describe("removeClient", () => {
    it("removes one client, once, of many concurrent requests", async () => {
      await using opened = await open();
      const [client, other] = [aClient(), aClient()];
      for (const each of [client, other]) await opened.here.addClient(each, aRecord());
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, at) =>
          (at % 2 ? opened.here : opened.there).removeClient(client.clientId, aRecord()),
        ),
      );
      expect(outcomes.toSorted()).toEqual(["removed", ...Array(7).fill("unknown")]);
      expect(await opened.here.findClient(client.clientId)).toBeUndefined();
      expect(await opened.here.listClients()).toEqual([other]);
      expect(await opened.here.listAudit(everything)).toHaveLength(3);
    });
  });
}
