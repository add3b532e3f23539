import { type Client, fieldsOf, haveSameFields, type Introduction } from "../client.ts";
import type { IntroducedClientStore } from "../introduced-client-store.ts";
import { type MemoryDatabase, writeWithRecord } from "./database.ts";
import { removeOfClient } from "./people.ts";

export function createIntroducedClientVerbs(database: MemoryDatabase): IntroducedClientStore {
  const { clients, grants, people } = database;

  const isUnused = (kind: Introduction) => (client: Client) =>
    client.introduced === kind && client.lastUsedAt === undefined;
  const isOf = (clientId: string) => (row: { clientId: string }) => row.clientId === clientId;
  const isIdle = ({ clientId }: Client) =>
    ![grants, people.codes].some((rows) => [...rows.values()].some(isOf(clientId)));
  const hasNoRequest = ({ clientId }: Client) => ![...people.requests.values()].some(isOf(clientId));

  function remove({ clientId }: Client): void {
    clients.delete(clientId);
    removeOfClient(people, clientId);
  }

  return {
    addIntroducedClient: async (client, { maxUnused }, record) =>
      writeWithRecord(database, record, () => {
        if (clients.has(client.clientId)) return { outcome: "present", isChange: false };
        const unused = [...clients.values()].filter(isUnused(client.introduced));
        clients.set(client.clientId, structuredClone(client));
        if (unused.length >= maxUnused) {
          const newest = unused.toSorted((a, b) => b.createdAt - a.createdAt);
          for (const one of newest.slice(maxUnused - 1).filter(isIdle)) remove(one);
        }
        return { outcome: "added", isChange: true };
      }),

    updateDocument: async (clientId, { from, to, freshUntil }, record) =>
      writeWithRecord(database, record, () => {
        const client = clients.get(clientId);
        if (client?.introduced !== "document" || !haveSameFields(client, from))
          return { outcome: "changed", isChange: false };
        clients.set(clientId, { ...client, ...structuredClone(fieldsOf(to)), documentFreshUntil: freshUntil });
        return { outcome: "updated", isChange: true };
      }),

    async pruneIntroducedClients({ added, used }, limit) {
      const isDue = ({ introduced, lastUsedAt, createdAt }: Client) =>
        introduced !== undefined && (lastUsedAt === undefined ? createdAt < added : lastUsedAt < used);
      const due = [...clients.values()].filter((client) => isDue(client) && isIdle(client) && hasNoRequest(client));
      const pruned = due.slice(0, limit);
      for (const one of pruned) remove(one);
      return { count: pruned.length, more: pruned.length === limit };
    },
  };
}
