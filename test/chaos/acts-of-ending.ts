import { attempt, isAnswer } from "./attempt.ts";
import { clientOf, newName, noteRefusal, pickLive, type Scenario, type TokenClient } from "./scenario.ts";
import type { Target, Thing } from "./timeline.ts";

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
export async function end(scenario: Scenario, { act, targets, action, id, of, send }: Ending): Promise<boolean> {
  const { timeline, acknowledge, count } = scenario.ledger;
  const withdrawal = timeline.withdraw(targets);
  const client = clientOf(scenario);
  const outcome = await attempt((signal) => send(client, { signal }));
  if (!isAnswer(outcome)) return noteRefusal(scenario, act, { outcome });
  const isAlone = of === undefined || (of.life === "unsure" && of.doubts.every((doubt) => doubt === withdrawal));
  timeline.acknowledge(withdrawal, performance.now());
  if (isAlone) acknowledge(act, { action, id });
  else count(act);
  return true;
}

export async function revokeToken(scenario: Scenario): Promise<boolean> {
  const token = pickLive(scenario, scenario.ledger.tokens);
  if (token === undefined) return true;
  const { text, handles } = token;
  const { jti: id = "" } = handles;
  return end(scenario, {
    act: "revoke a token",
    targets: [{ by: "jti", id }],
    action: "revokeToken",
    id,
    of: token,
    send: (client, options) => client.revokeToken.mutate({ token: text }, options),
  });
}

export async function revokeSession(scenario: Scenario): Promise<boolean> {
  const session = pickLive(scenario, scenario.ledger.sessions);
  if (session === undefined) return true;
  const { current, handles } = session;
  const { sid: id = "" } = handles;
  return end(scenario, {
    act: "revoke a session",
    targets: [{ by: "sid", id }],
    action: "revokeToken",
    id,
    of: session,
    send: (client, options) => client.revokeToken.mutate({ token: current }, options),
  });
}

export async function revokeSubject(scenario: Scenario): Promise<boolean> {
  const { random, subjects } = scenario;
  const [id = ""] = subjects.splice(Math.floor(random.between(0, subjects.length)), 1, newName("subject"));
  return end(scenario, {
    act: "revoke a subject",
    targets: [{ by: "subject", id }],
    action: "revoke",
    id,
    send: (client, options) => client.revoke.mutate({ subject: id }, options),
  });
}

export async function revokeClient(scenario: Scenario): Promise<boolean> {
  const client = pickLive(scenario, scenario.ledger.clients);
  if (client === undefined) return true;
  const { clientId: id } = client;
  return end(scenario, {
    act: "revoke a client",
    targets: [{ by: "clientId", id }],
    action: "revoke",
    id,
    send: (admin, options) => admin.revoke.mutate({ clientId: id }, options),
  });
}

export async function revokeKey(scenario: Scenario): Promise<boolean> {
  const key = pickLive(scenario, [...scenario.ledger.keys.values()]);
  if (key === undefined) return true;
  const { kid: id } = key;
  return end(scenario, {
    act: "kill a key",
    targets: [{ by: "kid", id }],
    action: "keys.kill",
    id,
    send: (admin, options) => admin.revoke.mutate({ keyId: id }, options),
  });
}
