import { attempt, isAnswer } from "./attempt.ts";
import type { Target, Thing } from "./ledger.ts";
import { clientOf, newName, noteRefusal, pickLive, type Stage, type TokenClient } from "./stage.ts";

type Ending = {
  act: string;
  targets: readonly Target[];
  /** The record that it leaves. */
  action: string;
  id: string;
  /** What it is about. If that ends otherwise meanwhile, there is nothing left to do, nor to record. */
  of?: Thing;
  send: (client: TokenClient, options: { signal: AbortSignal }) => Promise<unknown>;
};

/** Ends what the targets cover. */
export async function end(stage: Stage, { act, targets, action, id, of, send }: Ending): Promise<boolean> {
  const { ledger, acknowledge, count } = stage.books;
  const withdrawal = ledger.withdraw(targets);
  const client = clientOf(stage);
  const outcome = await attempt((signal) => send(client, { signal }));
  if (!isAnswer(outcome)) return noteRefusal(stage, act, { outcome });
  const isAlone = of === undefined || (of.life === "unsure" && of.doubts.every((doubt) => doubt === withdrawal));
  ledger.acknowledge(withdrawal, performance.now());
  if (isAlone) acknowledge(act, { action, id });
  else count(act);
  return true;
}

export async function revokeToken(stage: Stage): Promise<boolean> {
  const token = pickLive(stage, stage.books.tokens);
  if (token === undefined) return true;
  const { text, handles } = token;
  const { jti: id = "" } = handles;
  return end(stage, {
    act: "revoke a token",
    targets: [{ by: "jti", id }],
    action: "revokeToken",
    id,
    of: token,
    send: (client, options) => client.revokeToken.mutate({ token: text }, options),
  });
}

export async function revokeSession(stage: Stage): Promise<boolean> {
  const session = pickLive(stage, stage.books.sessions);
  if (session === undefined) return true;
  const { current, handles } = session;
  const { sid: id = "" } = handles;
  return end(stage, {
    act: "revoke a session",
    targets: [{ by: "sid", id }],
    action: "revokeToken",
    id,
    of: session,
    send: (client, options) => client.revokeToken.mutate({ token: current }, options),
  });
}

export async function revokeSubject(stage: Stage): Promise<boolean> {
  const { random, subjects } = stage;
  const [id = ""] = subjects.splice(Math.floor(random.between(0, subjects.length)), 1, newName("subject"));
  return end(stage, {
    act: "revoke a subject",
    targets: [{ by: "subject", id }],
    action: "revoke",
    id,
    send: (client, options) => client.revoke.mutate({ subject: id }, options),
  });
}

export async function revokeClient(stage: Stage): Promise<boolean> {
  const client = pickLive(stage, stage.books.clients);
  if (client === undefined) return true;
  const { clientId: id } = client;
  return end(stage, {
    act: "revoke a client",
    targets: [{ by: "clientId", id }],
    action: "revoke",
    id,
    send: (admin, options) => admin.revoke.mutate({ clientId: id }, options),
  });
}

export async function revokeKey(stage: Stage): Promise<boolean> {
  const key = pickLive(stage, [...stage.books.keys.values()]);
  if (key === undefined) return true;
  const { kid: id } = key;
  return end(stage, {
    act: "kill a key",
    targets: [{ by: "kid", id }],
    action: "keys.kill",
    id,
    send: (admin, options) => admin.revoke.mutate({ keyId: id }, options),
  });
}
