import { end } from "./acts-of-ending.ts";
import { attempt, isAnswer } from "./attempt.ts";
import type { Client } from "./books.ts";
import { clientOf, newName, noteRefusal, pickLive, type Stage } from "./stage.ts";

export async function createClient(stage: Stage): Promise<boolean> {
  const { books } = stage;
  const askedAt = books.ledger.tick();
  const admin = clientOf(stage);
  const input = { name: newName("client"), permissions: ["issue" as const] };
  const outcome = await attempt((signal) => admin.clients.create.mutate(input, { signal }));
  if (!isAnswer(outcome)) return noteRefusal(stage, "create a client", { outcome });
  const { clientId, clientSecret: secret } = outcome.answer;
  const client = { what: `client ${clientId}`, handles: { client: clientId }, clientId, secret, busy: false };
  books.clients.push(books.ledger.add<Client>({ ...client, isLockedOut: false }, askedAt));
  books.acknowledge("create a client", { action: "clients.create", id: clientId });
  return true;
}

/** Does something with a client that nobody else is using meanwhile. */
export async function withClient(stage: Stage, work: (client: Client) => Promise<boolean>): Promise<boolean> {
  const client = pickLive(
    stage,
    stage.books.clients.filter(({ isLockedOut }) => !isLockedOut),
  );
  if (client === undefined) return true;
  client.busy = true;
  const done = await work(client);
  client.busy = false;
  return done;
}

/** Gives a client a new secret, the only one from then on. */
export async function rotateSecret(stage: Stage, client: Client): Promise<boolean> {
  const { clientId } = client;
  client.isLockedOut = true;
  const admin = clientOf(stage);
  const outcome = await attempt((signal) => admin.clients.rotateSecret.mutate({ clientId, overlap: 0 }, { signal }));
  if (!isAnswer(outcome)) return noteRefusal(stage, "rotate a secret", { outcome, of: [client] });
  client.secret = outcome.answer.clientSecret;
  client.isLockedOut = false;
  stage.books.acknowledge("rotate a secret", { action: "clients.rotateSecret", id: clientId });
  return true;
}

export function removeClient(stage: Stage, { clientId: id }: Client): Promise<boolean> {
  return end(stage, {
    act: "remove a client",
    targets: [
      { by: "clientId", id },
      { by: "client", id },
    ],
    action: "clients.remove",
    id,
    send: (admin, options) => admin.clients.remove.mutate({ clientId: id }, options),
  });
}
