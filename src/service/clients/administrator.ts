import { type Client, type ClientSecret, fieldsOf, haveSameRights, MACHINE_CLIENT } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../time.ts";
import type { AuditLog } from "../access/audit-log.ts";
import { systemCaller } from "../access/caller.ts";
import { changedFields } from "./client-fields.ts";
import { storedSecret } from "./client-secret.ts";

/** The client `admin`, whose secret the environment settles. */
export type Administrator = {
  /** Ensures that the client `admin` exists, has every permission, and has this secret alone. */
  ensureAdmin(secret: string): Promise<void>;
  /** Whether the client `admin` exists, which only `ensureAdmin` creates. */
  hasAdmin(): Promise<boolean>;
};

export type AdministratorOptions = {
  store: Pick<Store, "findClient" | "addClient" | "updateClient" | "replaceSecrets">;
  audit: Pick<AuditLog, "record">;
  clock: Clock;
};

const ADMIN = "admin";

export function createAdministrator({ store, audit, clock }: AdministratorOptions): Administrator {
  return {
    hasAdmin: async () => (await store.findClient(ADMIN)) !== undefined,

    async ensureAdmin(secret) {
      const now = clock();
      const stored = storedSecret(secret, now);
      const rights = { ...systemCaller, ...MACHINE_CLIENT };
      const admin: Client = { ...rights, clientId: ADMIN, name: ADMIN, createdAt: now, secrets: [stored] };
      const about = { clientId: systemCaller.clientId, target: ADMIN, outcome: "allowed" } as const;
      await store.addClient(admin, audit.record({ ...about, action: "clients.create" }));
      const present = await store.findClient(ADMIN);
      if (present !== undefined && !haveSameRights(present, rights)) {
        const to = fieldsOf({ name: present.name, ...rights });
        const record = audit.record({ ...about, action: "clients.update", fields: changedFields(to, present) });
        await store.updateClient(ADMIN, { from: fieldsOf(present), to }, record);
      }
      if (present === undefined || hasOnly(present.secrets, stored)) return;
      const change = { from: present.secrets, to: [stored] };
      await store.replaceSecrets(ADMIN, change, audit.record({ ...about, action: "clients.rotateSecret" }));
    },
  };
}

/** Whether this secret is the only one, without expiry. */
function hasOnly(secrets: readonly ClientSecret[], { hash }: ClientSecret): boolean {
  return secrets.length === 1 && secrets.every((secret) => secret.hash === hash && secret.expiresAt === undefined);
}
