import { randomUUID } from "node:crypto";
import { localCaller } from "../../src/service/access/caller.ts";
import { completeFields, type NewClient } from "../../src/service/clients/client-metadata.ts";
import { storedSecret } from "../../src/service/clients/client-secret.ts";
import type { Clients } from "../../src/service/clients/clients.ts";
import type { Store } from "../../src/store/store.ts";
import type { Credentials } from "./call-as.ts";
import { NOW } from "./service.ts";

/** A client without permissions, but for the fields given. */
export function newClient(fields: Partial<NewClient> = {}): NewClient {
  return { name: "test", permissions: [], scopes: [], audiences: [], anySubject: false, ...fields };
}

/** Adds a client as the local caller, and returns its credentials. */
export async function addClient({ clients }: { clients: Clients }, fields: Partial<NewClient> = {}) {
  const { clientId, clientSecret } = await clients.create(localCaller, newClient(fields));
  return { clientId, clientSecret };
}

/** Adds a client with a chosen id and secret; by default one that may get tokens. */
export async function addChosenClient(
  store: Store,
  { clientId, clientSecret }: Credentials,
  fields: Partial<NewClient> = { permissions: ["issue"] },
): Promise<void> {
  const secrets = [storedSecret(clientSecret, NOW)];
  const client = { ...completeFields(newClient(fields)), clientId, createdAt: NOW, secrets };
  await store.addClient(client, { id: randomUUID(), at: NOW, action: "clients.create", outcome: "allowed" });
}
