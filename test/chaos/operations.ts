import { attempt, isAnswer } from "./attempt.ts";
import { createClient, removeClient, rotateSecret, updateClient, withClient } from "./client-operations.ts";
import { exchange } from "./code-operations.ts";
import { agree, authorizeAgain, endConsent, endSession, revokePerson, signIn } from "./people-operations.ts";
import { clientOf, noteRefusal, type Scenario } from "./scenario.ts";
import { issue, issueByOAuth, refresh, verify } from "./token-operations.ts";
import {
  revokeClient,
  revokeGrant,
  revokeGrantByOAuth,
  revokeKey,
  revokeSubject,
  revokeToken,
  revokeTokenByOAuth,
} from "./withdrawal-operations.ts";

/** Returns whether it was done. */
type Operation = (scenario: Scenario) => Promise<boolean>;

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

/** The operations, and the weight of each among them. */
export const OPERATIONS: Readonly<Record<string, readonly [weight: number, operation: Operation]>> = {
  issue: [18, (scenario) => issue(scenario, "issue")],
  "issue by OAuth": [10, (scenario) => issueByOAuth(scenario, "issue by OAuth")],
  "begin a grant": [12, (scenario) => issue(scenario, "begin a grant", { refreshable: true })],
  "issue as a client": [4, (scenario) => withClient(scenario, (as) => issue(scenario, "issue as a client", { as }))],
  "issue as a client by OAuth": [
    4,
    (scenario) => withClient(scenario, (as) => issueByOAuth(scenario, "issue as a client by OAuth", as)),
  ],
  refresh: [14, (scenario) => refresh(scenario, 1)],
  "refresh twice at once": [5, (scenario) => refresh(scenario, 2)],
  verify: [8, verify],
  "revoke a token": [7, revokeToken],
  "revoke a token by OAuth": [7, revokeTokenByOAuth],
  "revoke a grant": [1, revokeGrant],
  "revoke a grant by OAuth": [1, revokeGrantByOAuth],
  "revoke a subject": [2, revokeSubject],
  "revoke a client": [1, revokeClient],
  "create a client": [4, createClient],
  "rotate a secret": [2, (scenario) => withClient(scenario, (client) => rotateSecret(scenario, client))],
  "update a client": [2, (scenario) => withClient(scenario, (client) => updateClient(scenario, client))],
  "remove a client": [2, (scenario) => withClient(scenario, (client) => removeClient(scenario, client))],
  "sign in": [8, signIn],
  "authorize again": [6, authorizeAgain],
  agree: [4, agree],
  exchange: [12, (scenario) => exchange(scenario, 1)],
  "exchange twice at once": [3, (scenario) => exchange(scenario, 2)],
  "end a session": [3, endSession],
  "revoke a person": [1, revokePerson],
  "end a consent": [1.5, endConsent],
  "rotate keys": [1.5, (scenario) => rotateKeys(scenario, scenario.random.chance(0.7))],
  "revoke a key": [0.4, revokeKey],
};
