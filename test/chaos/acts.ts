import { revokeClient, revokeKey, revokeSession, revokeSubject, revokeToken } from "./acts-of-ending.ts";
import { createClient, removeClient, rotateSecret, withClient } from "./acts-on-clients.ts";
import { issue, refresh, verify } from "./acts-on-tokens.ts";
import { attempt, isAnswer } from "./attempt.ts";
import { clientOf, noteRefusal, type Stage } from "./stage.ts";

/** Does something, and says whether it was done. */
type Act = (stage: Stage) => Promise<boolean>;

export async function rotateKeys(stage: Stage, immediate: boolean): Promise<boolean> {
  const { books } = stage;
  const askedAt = books.ledger.tick();
  const admin = clientOf(stage);
  const outcome = await attempt((signal) => admin.keys.rotate.mutate({ immediate }, { signal }));
  if (!isAnswer(outcome)) return noteRefusal(stage, "rotate keys", { outcome });
  for (const { kid, killedAt } of outcome.answer) if (killedAt === undefined) books.noteKey(kid, askedAt);
  books.count("rotate keys");
  return true;
}

/** The acts, and how often each is done among the others. */
export const ACTS: Readonly<Record<string, readonly [weight: number, act: Act]>> = {
  issue: [28, (stage) => issue(stage, "issue")],
  "begin a session": [12, (stage) => issue(stage, "begin a session", { refreshable: true })],
  "issue as a client": [8, (stage) => withClient(stage, (as) => issue(stage, "issue as a client", { as }))],
  refresh: [14, (stage) => refresh(stage, 1)],
  "refresh twice at once": [5, (stage) => refresh(stage, 2)],
  verify: [8, verify],
  "revoke a token": [14, revokeToken],
  "revoke a session": [2, revokeSession],
  "revoke a subject": [2, revokeSubject],
  "revoke a client": [1, revokeClient],
  "create a client": [4, createClient],
  "rotate a secret": [2, (stage) => withClient(stage, (client) => rotateSecret(stage, client))],
  "remove a client": [2, (stage) => withClient(stage, (client) => removeClient(stage, client))],
  "rotate keys": [1.5, (stage) => rotateKeys(stage, stage.random.chance(0.7))],
  "kill a key": [0.4, revokeKey],
};
