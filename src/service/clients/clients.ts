import { randomUUID } from "node:crypto";
import { MintmarkError } from "../../errors.ts";
import type { ChangeRecord } from "../../store/audit.ts";
import { type Client, type ClientSecret, fieldsOf, hasSecrets, isPublic, rightsOf } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import type { Authorize, Operation } from "../access/authorize.ts";
import type { Caller } from "../access/caller.ts";
import type { StoreFollower } from "../feed/store-follower.ts";
import type { Counters } from "../operations/counters.ts";
import { changedFields, type FieldChange, fieldsAfter } from "./client-fields.ts";
import { completeFields, type NewClient, validatedFields } from "./client-metadata.ts";
import { delegationViolation } from "./client-policy.ts";
import { createClientSecret, isValid, MAX_SECRETS } from "./client-secret.ts";
import { requireShape } from "./client-shape.ts";

/** A client without its secrets. */
export type ClientView = Omit<Client, "secrets" | "documentFreshUntil"> & {
  secrets: { createdAt: Seconds; expiresAt?: Seconds }[];
};

export type Clients = {
  /** Adds a client. Returns its secret, which cannot be read again; an empty one where it authenticates otherwise. */
  create(caller: Caller, client: NewClient): Promise<ClientView & { clientSecret: string }>;
  list(caller: Caller): Promise<ClientView[]>;
  /**
   * Changes some fields of a client, effective on every server when it resolves. Tokens that it has received stay valid.
   * Throws `unknown_client`, and `conflict` after a concurrent change.
   */
  update(caller: Caller, change: { clientId: string } & FieldChange): Promise<ClientView>;
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
};

export type ClientsOptions = {
  store: Store;
  trust: StoreFollower;
  authorize: Authorize;
  clock: Clock;
  counts: Counters;
  /** Whether access is open, as in development: keys are then fetched by `http` on loopback, too. */
  open: boolean;
};

/** The use cases of clients. */
export function createClients({ store, trust, authorize, clock, counts, open }: ClientsOptions): Clients {
  const operation = (action: string, more: Pick<Operation, "target" | "denial"> = {}): Operation => ({
    action: `clients.${action}`,
    permission: "manage_clients",
    ...more,
  });

  /**
   * An operation on an existing client: managers cannot manage a client with more rights than they have. The client may get
   * more meanwhile: `recordOf` makes its change check that it has not.
   */
  const operationOn = async (action: string, clientId: string) => {
    const client = await store.findClient(clientId);
    const denial = client && ((caller: Caller) => delegationViolation(caller, client));
    const managed = client && { clientId, rights: rightsOf(client) };
    const recordOf = (record: ChangeRecord): ChangeRecord => ({ ...record, managed });
    return { client, operation: operation(action, { target: { target: clientId }, denial }), recordOf };
  };

  return {
    async create(caller, given) {
      requireShape("new", given);
      const clientId = randomUUID();
      const fields = completeFields(given);
      const denial = (current: Caller) => delegationViolation(current, fields);
      return authorize(caller, operation("create", { target: { target: clientId }, denial }), async (record) => {
        const valid = await validatedFields(fields, { isOpen: open });
        const { text, stored } = createClientSecret(clock());
        const [secret, secrets] = hasSecrets(fields.authMethod) ? [text, [stored]] : ["", []];
        const client: Client = { ...valid, clientId, createdAt: clock(), secrets };
        await store.addClient(client, record);
        // Its pages may call this server now.
        if (isPublic(client)) await trust.catchUp();
        return { ...view(client), clientSecret: secret };
      });
    },

    async update(caller, { clientId, ...change }) {
      requireShape("change", change);
      const client = await store.findClient(clientId);
      const next = client && { ...client, ...fieldsAfter(client, change) };
      const fields = changedFields(change, client);
      const about = {
        target: { target: clientId, ...(fields.length > 0 && { fields }) },
        denial: (current: Caller) =>
          [client, next].map((each) => each && delegationViolation(current, each)).find(Boolean),
      };
      return authorize(caller, operation("update", about), async (record) => {
        if (client === undefined || next === undefined) throw new MintmarkError("unknown_client");
        // It must have no right beyond what every stranger has.
        if (client.introduced !== undefined) throw new MintmarkError("invalid_request", { issues: [INTRODUCED] });
        const to = await validatedFields(fieldsOf(next), { isOpen: open });
        const outcome = await store.updateClient(clientId, { from: fieldsOf(client), to }, record);
        if (outcome === "changed") throw new MintmarkError("conflict");
        // Followers of this server that lose their permission are disconnected now.
        await trust.catchUp();
        return view({ ...next, ...to });
      });
    },

    list: (caller) => authorize(caller, operation("list"), async () => (await store.listClients()).map(view)),

    async rotateSecret(caller, { clientId, overlap }) {
      const { client, operation, recordOf } = await operationOn("rotateSecret", clientId);
      return authorize(caller, operation, async (record) => {
        if (client === undefined) throw new MintmarkError("unknown_client");
        const noSecret = { path: "clientId", message: "is of a client without a secret" };
        if (!hasSecrets(client.authMethod)) throw new MintmarkError("invalid_request", { issues: [noSecret] });
        const { text, stored } = createClientSecret(clock());
        const ending = endingBy(client.secrets, { now: clock(), overlap });
        if (ending.length >= MAX_SECRETS) throw new MintmarkError("too_many_secrets");
        const change = { from: client.secrets, to: [stored, ...ending] };
        const outcome = await store.replaceSecrets(clientId, change, recordOf(record));
        if (outcome === "changed") throw new MintmarkError("conflict");
        return { clientId, clientSecret: text, overlap };
      });
    },

    async remove(caller, clientId) {
      const { operation, recordOf } = await operationOn("remove", clientId);
      return authorize(caller, operation, async (record) => {
        const outcome = await store.removeClient(clientId, recordOf(record));
        if (outcome === "unknown") throw new MintmarkError("unknown_client");
        counts.revoked.client += 1;
        await trust.catchUp();
        return { clientId };
      });
    },
  };
}

const INTRODUCED = { path: "clientId", message: "is of a client that introduced itself, which cannot be changed" };

/** The valid secrets, expiring after the overlap at the latest. */
function endingBy(
  secrets: readonly ClientSecret[],
  { now, overlap }: { now: Seconds; overlap: Seconds },
): ClientSecret[] {
  return secrets
    .map((secret) => ({ ...secret, expiresAt: Math.min(secret.expiresAt ?? Number.POSITIVE_INFINITY, now + overlap) }))
    .filter((secret) => isValid(secret, now));
}

function view({ secrets, asOf: _, documentFreshUntil: __, ...client }: Client & { asOf?: number }): ClientView {
  return { ...client, secrets: secrets.map(({ hash, ...times }) => times) };
}
