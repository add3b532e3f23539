import type { Store } from "../store.ts";
import { commit, compare, type MemoryDatabase } from "./database.ts";

type ResourceVerbs = Pick<Store, "addResource" | "removeResource" | "listResources" | "findResources">;

export function createResourceVerbs(database: MemoryDatabase): ResourceVerbs {
  const { resources } = database;
  return {
    addResource: async (resource, record) =>
      commit(database, record, () => {
        if (resources.has(resource.audience)) return { outcome: "present" };
        resources.set(resource.audience, structuredClone(resource));
        return { outcome: "added", record };
      }),
    removeResource: async (audience, record) =>
      commit(database, record, () =>
        resources.delete(audience) ? { outcome: "removed", record } : { outcome: "unknown" },
      ),
    listResources: async () =>
      structuredClone([...resources.values()]).toSorted(
        (a, b) => compare(a.name, b.name) || compare(a.audience, b.audience),
      ),
    findResources: async (audiences) =>
      structuredClone([...new Set(audiences)].flatMap((audience) => resources.get(audience) ?? [])),
  };
}
