import { attempt, isAnswer } from "./attempt.ts";
import type { Client } from "./ledger.ts";
import { clientOf, newName, noteRefusal, pickLive, type Scenario } from "./scenario.ts";
import { withdraw } from "./withdrawal-operations.ts";

export async function createClient(scenario: Scenario): Promise<boolean> {
  const { ledger } = scenario;
  const askedAt = ledger.timeline.tick();
  const admin = clientOf(scenario);
  const input = { name: newName("client"), permissions: ["issue" as const] };
  const outcome = await attempt((signal) => admin.clients.create.mutate(input, { signal }));
  if (!isAnswer(outcome)) return noteRefusal(scenario, "create a client", { outcome });
  const { clientId, clientSecret: secret } = outcome.answer;
  const client = { what: `client ${clientId}`, handles: { client: clientId }, clientId, secret, busy: false };
  ledger.clients.push(ledger.timeline.add<Client>({ ...client, isLockedOut: false }, askedAt));
  ledger.acknowledge("create a client", { action: "clients.create", id: clientId });
  return true;
}

/** Does `work` with a client that no other operation uses meanwhile. */
export async function withClient(scenario: Scenario, work: (client: Client) => Promise<boolean>): Promise<boolean> {
  const client = pickLive(
    scenario,
    scenario.ledger.clients.filter(({ isLockedOut }) => !isLockedOut),
  );
  if (client === undefined) return true;
  client.busy = true;
  const done = await work(client);
  client.busy = false;
  return done;
}

/** Replaces the secret of a client, without an overlap. */
export async function rotateSecret(scenario: Scenario, client: Client): Promise<boolean> {
  const { clientId } = client;
  client.isLockedOut = true;
  const admin = clientOf(scenario);
  const outcome = await attempt((signal) => admin.clients.rotateSecret.mutate({ clientId, overlap: 0 }, { signal }));
  if (!isAnswer(outcome)) return noteRefusal(scenario, "rotate a secret", { outcome, of: [client] });
  client.secret = outcome.answer.clientSecret;
  client.isLockedOut = false;
  scenario.ledger.acknowledge("rotate a secret", { action: "clients.rotateSecret", id: clientId });
  return true;
}

/** Withdraws the permission of a client, which then gets no token at any server, and gives it back. */
export async function updateClient(scenario: Scenario, client: Client): Promise<boolean> {
  client.isLockedOut = true;
  if (!(await setPermissions(scenario, client, []))) return false;
  const as = clientOf(scenario, { clientId: client.clientId, clientSecret: client.secret });
  const outcome = await attempt((signal) => as.getToken.query({}, { signal }));
  if (isAnswer(outcome)) scenario.ledger.breach(`${client.what} got a token without the permission`);
  if (!(await setPermissions(scenario, client, ["issue"]))) return false;
  client.isLockedOut = false;
  return true;
}

async function setPermissions(scenario: Scenario, client: Client, permissions: "issue"[]): Promise<boolean> {
  const { clientId } = client;
  const admin = clientOf(scenario);
  const outcome = await attempt((signal) => admin.clients.update.mutate({ clientId, permissions }, { signal }));
  if (!isAnswer(outcome)) return noteRefusal(scenario, "update a client", { outcome, of: [client] });
  scenario.ledger.acknowledge("update a client", { action: "clients.update", id: clientId });
  return true;
}

/** Makes a client usable again after an operation on it without an answer: with a new secret, and with its permission. */
export async function restoreClient(scenario: Scenario, client: Client): Promise<void> {
  if (!(await rotateSecret(scenario, client))) return;
  client.isLockedOut = !(await setPermissions(scenario, client, ["issue"]));
}

export function removeClient(scenario: Scenario, { clientId: id }: Client): Promise<boolean> {
  return withdraw(scenario, {
    operation: "remove a client",
    targets: ["clientId" as const, "client" as const].map((by) => ({ by, id })),
    action: "clients.remove",
    id,
    send: (admin, options) => admin.clients.remove.mutate({ clientId: id }, options),
  });
}
