import { areSameSecrets, fieldsOf, haveSameFields, isPublic } from "../client.ts";
import type { Store } from "../store.ts";
import { addRevocation, commit, compare, type MemoryDatabase } from "./database.ts";
import { removeOfClient } from "./people.ts";

type ClientVerbs = Pick<
  Store,
  "findClient" | "listClients" | "addClient" | "replaceSecrets" | "updateClient" | "recordUses" | "removeClient"
>;

export function createClientVerbs(database: MemoryDatabase): ClientVerbs {
  const { clients, position } = database;
  return {
    async findClient(clientId) {
      const client = clients.get(clientId);
      return client && { ...structuredClone(client), asOf: position.sequence };
    },
    listClients: async (which) =>
      structuredClone([...clients.values()])
        .filter(({ introduced }) => which === undefined || introduced === undefined)
        .toSorted((a, b) => compare(a.name, b.name) || compare(a.clientId, b.clientId)),
    addClient: async (client, record) =>
      commit(database, record, (sequence) => {
        if (isPublic(client)) position.clientsSequence = sequence;
        if (clients.has(client.clientId)) return { outcome: "present" };
        clients.set(client.clientId, structuredClone(client));
        return { outcome: "added", record };
      }),
    replaceSecrets: async (clientId, { from, to }, record) =>
      commit(database, record, (sequence) => {
        position.clientsSequence = sequence;
        const client = clients.get(clientId);
        if (client === undefined || !areSameSecrets(client.secrets, from)) return { outcome: "changed" };
        clients.set(clientId, { ...client, secrets: structuredClone(to) });
        return { outcome: "replaced", record };
      }),
    updateClient: async (clientId, { from, to }, record) =>
      commit(database, record, (sequence) => {
        position.clientsSequence = sequence;
        const client = clients.get(clientId);
        if (client === undefined || !haveSameFields(client, from)) return { outcome: "changed" };
        clients.set(clientId, { ...client, ...structuredClone(fieldsOf(to)) });
        return { outcome: "updated", record };
      }),
    async recordUses(uses) {
      for (const { clientId, at } of uses) {
        const client = clients.get(clientId);
        if (client !== undefined && (client.lastUsedAt ?? 0) < at) client.lastUsedAt = at;
      }
    },
    removeClient: async (clientId, record) =>
      commit(database, record, (sequence) => {
        position.clientsSequence = sequence;
        if (!clients.delete(clientId)) return { outcome: "unknown" };
        addRevocation(database, { kind: "client", id: clientId }, { sequence, at: record.at });
        removeOfClient(database.people, clientId);
        return { outcome: "removed", record };
      }),
  };
}
