import { revokeClient, revokeKey, revokeSession, revokeSubject, revokeToken } from "./acts-of-ending.ts";
import { createClient, removeClient, rotateSecret, withClient } from "./acts-on-clients.ts";
import { issue, refresh, verify } from "./acts-on-tokens.ts";
import { attempt, isAnswer } from "./attempt.ts";
import { clientOf, noteRefusal, type Scenario } from "./scenario.ts";

/** Does something, and says whether it was done. */
type Act = (scenario: Scenario) => Promise<boolean>;

export async function rotateKeys(scenario: Scenario, immediate: boolean): Promise<boolean> {
  const { ledger } = scenario;
  const askedAt = ledger.timeline.tick();
  const admin = clientOf(scenario);
  const outcome = await attempt((signal) => admin.keys.rotate.mutate({ immediate }, { signal }));
  if (!isAnswer(outcome)) return noteRefusal(scenario, "rotate keys", { outcome });
  for (const { kid, killedAt } of outcome.answer) if (killedAt === undefined) ledger.noteKey(kid, askedAt);
  ledger.count("rotate keys");
  return true;
}

/** The acts, and how often each is done among the others. */
export const ACTS: Readonly<Record<string, readonly [weight: number, act: Act]>> = {
  issue: [28, (scenario) => issue(scenario, "issue")],
  "begin a session": [12, (scenario) => issue(scenario, "begin a session", { refreshable: true })],
  "issue as a client": [8, (scenario) => withClient(scenario, (as) => issue(scenario, "issue as a client", { as }))],
  refresh: [14, (scenario) => refresh(scenario, 1)],
  "refresh twice at once": [5, (scenario) => refresh(scenario, 2)],
  verify: [8, verify],
  "revoke a token": [14, revokeToken],
  "revoke a session": [2, revokeSession],
  "revoke a subject": [2, revokeSubject],
  "revoke a client": [1, revokeClient],
  "create a client": [4, createClient],
  "rotate a secret": [2, (scenario) => withClient(scenario, (client) => rotateSecret(scenario, client))],
  "remove a client": [2, (scenario) => withClient(scenario, (client) => removeClient(scenario, client))],
  "rotate keys": [1.5, (scenario) => rotateKeys(scenario, scenario.random.chance(0.7))],
  "kill a key": [0.4, revokeKey],
};
