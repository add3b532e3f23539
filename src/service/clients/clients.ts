import { randomUUID } from "node:crypto";
import { MintmarkError } from "../../errors.ts";
import type { Client, ClientSecret } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import type { AuditLog } from "../access/audit-log.ts";
import type { Authorize, Operation } from "../access/authorize.ts";
import { type Caller, systemCaller } from "../access/caller.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import type { Counters } from "../operations/counters.ts";
import { delegationViolation } from "./client-policy.ts";
import { createClientSecret, isValid, MAX_SECRETS, storedSecret } from "./client-secret.ts";

export type NewClient = Omit<Client, "clientId" | "createdAt" | "secrets">;

/** A client without its secrets. */
export type ClientView = Omit<Client, "secrets"> & { secrets: { createdAt: Seconds; expiresAt?: Seconds }[] };

export type Clients = {
  /** Adds a client. Returns its secret, which cannot be read again. */
  create(caller: Caller, client: NewClient): Promise<ClientView & { clientSecret: string }>;
  list(caller: Caller): Promise<ClientView[]>;
  /**
   * Creates a new secret, which cannot be read again. Earlier secrets stay valid for `overlap` seconds at most. Throws
   * `unknown_client`, `too_many_secrets`, and `conflict` after a concurrent rotation.
   */
  rotateSecret(
    caller: Caller,
    request: { clientId: string; overlap: Seconds },
  ): Promise<{ clientId: string; clientSecret: string; overlap: Seconds }>;
  /** Removes a client and revokes all tokens issued to it, effective on every server when it resolves. Throws `unknown_client`. */
  remove(caller: Caller, clientId: string): Promise<{ clientId: string }>;
  /** Ensures that the client `admin` exists, has every permission, and has this secret alone. */
  ensureAdmin(secret: string): Promise<void>;
  /** Whether the client `admin` exists, which only `ensureAdmin` creates. */
  hasAdmin(): Promise<boolean>;
};

export type ClientsOptions = {
  store: Store;
  trust: StoreFollower;
  authorize: Authorize;
  audit: AuditLog;
  clock: Clock;
  counts: Counters;
};

/** The use cases of machine clients. */
export function createClients({ store, trust, authorize, audit, clock, counts }: ClientsOptions): Clients {
  const operation = (action: string, more: Pick<Operation, "target" | "denial"> = {}): Operation => ({
    action: `clients.${action}`,
    permission: "manage_clients",
    ...more,
  });

  /** An operation on an existing client: managers cannot manage a client with more rights than they have. */
  const operationOn = async (action: string, caller: Caller, clientId: string) => {
    const client = await store.findClient(clientId);
    return {
      client,
      operation: operation(action, {
        target: { target: clientId },
        denial: client && delegationViolation(caller, client),
      }),
    };
  };

  return {
    create(caller, fields) {
      const clientId = randomUUID();
      const limits = { target: { target: clientId }, denial: delegationViolation(caller, fields) };
      return authorize(caller, operation("create", limits), async (record) => {
        const { text, stored } = createClientSecret(clock());
        const client: Client = { ...fields, clientId, createdAt: clock(), secrets: [stored] };
        await store.addClient(client, record);
        return { ...view(client), clientSecret: text };
      });
    },

    list: (caller) => authorize(caller, operation("list"), async () => (await store.listClients()).map(view)),

    async rotateSecret(caller, { clientId, overlap }) {
      const { client, operation } = await operationOn("rotateSecret", caller, clientId);
      return authorize(caller, operation, async (record) => {
        if (client === undefined) throw new MintmarkError("unknown_client");
        const { text, stored } = createClientSecret(clock());
        const ending = endingBy(client.secrets, { now: clock(), overlap });
        if (ending.length >= MAX_SECRETS) throw new MintmarkError("too_many_secrets");
        const outcome = await store.replaceSecrets(clientId, { from: client.secrets, to: [stored, ...ending] }, record);
        if (outcome === "changed") throw new MintmarkError("conflict");
        return { clientId, clientSecret: text, overlap };
      });
    },

    async remove(caller, clientId) {
      const { operation } = await operationOn("remove", caller, clientId);
      return authorize(caller, operation, async (record) => {
        const outcome = await store.removeClient(clientId, record);
        if (outcome === "unknown") throw new MintmarkError("unknown_client");
        counts.revoked.client += 1;
        await trust.catchUp();
        return { clientId };
      });
    },

    hasAdmin: async () => (await store.findClient(ADMIN)) !== undefined,

    async ensureAdmin(secret) {
      const now = clock();
      const stored = storedSecret(secret, now);
      const admin: Client = { ...systemCaller, clientId: ADMIN, name: ADMIN, createdAt: now, secrets: [stored] };
      const about = { clientId: systemCaller.clientId, target: ADMIN, outcome: "allowed" } as const;
      await store.addClient(admin, audit.record({ ...about, action: "clients.create" }));
      const present = await store.findClient(ADMIN);
      if (present === undefined || hasOnly(present.secrets, stored)) return;
      const change = { from: present.secrets, to: [stored] };
      await store.replaceSecrets(ADMIN, change, audit.record({ ...about, action: "clients.rotateSecret" }));
    },
  };
}

const ADMIN = "admin";

/** Whether this secret is the only one, without expiry. */
function hasOnly(secrets: readonly ClientSecret[], { hash }: ClientSecret): boolean {
  return secrets.length === 1 && secrets.every((secret) => secret.hash === hash && secret.expiresAt === undefined);
}

/** The valid secrets, expiring after the overlap at the latest. */
function endingBy(
  secrets: readonly ClientSecret[],
  { now, overlap }: { now: Seconds; overlap: Seconds },
): ClientSecret[] {
  return secrets
    .map((secret) => ({ ...secret, expiresAt: Math.min(secret.expiresAt ?? Number.POSITIVE_INFINITY, now + overlap) }))
    .filter((secret) => isValid(secret, now));
}

function view({ secrets, ...client }: Client): ClientView {
  return { ...client, secrets: secrets.map(({ hash, ...times }) => times) };
}
