import { attempt, isAnswer, isRefusal, type Outcome } from "./attempt.ts";
import type { Client, Grant } from "./ledger.ts";
import { clientOf, noteRefusal, oauthClientOf, pickLive, type Scenario } from "./scenario.ts";

/** Seconds, longer than a run. Servers are restarted with limits between them. */
const LIFETIMES = [86_400, 7 * 86_400];

type IssueOptions = { refreshable?: boolean; as?: Client };

export async function issue(scenario: Scenario, operation: string, { refreshable = false, as }: IssueOptions = {}) {
  const { ledger, random, subjects } = scenario;
  const askedAt = ledger.timeline.tick();
  const client = clientOf(scenario, as && { clientId: as.clientId, clientSecret: as.secret });
  const input = {
    expiresIn: random.pick(LIFETIMES),
    ...(as === undefined && { subject: random.pick(subjects) }),
    refreshable,
  };
  const outcome = await attempt((signal) => client.getToken.query(input, { signal }));
  // The limit of lifetimes may be lower at the moment.
  if (isRefusal(outcome) && outcome.refused === "invalid_request") return false;
  // No grant begins where its subject was revoked at the same moment.
  if (isRefusal(outcome) && outcome.refused === "conflict") return false;
  if (!isAnswer(outcome)) return noteRefusal(scenario, operation, { outcome, of: as === undefined ? [] : [as] });
  ledger.acknowledge(operation, { action: "getToken", id: ledger.noteIssued(outcome.answer, askedAt) });
  return true;
}

/** Issues a token at the token endpoint: for the client itself, by default for the local one. */
export async function issueByOAuth(scenario: Scenario, operation: string, as?: Client): Promise<boolean> {
  const { ledger } = scenario;
  const askedAt = ledger.timeline.tick();
  const client = oauthClientOf(scenario, as && { clientId: as.clientId, clientSecret: as.secret });
  const outcome = await attempt((signal) => client.getToken({ signal }));
  if (!isAnswer(outcome)) return noteRefusal(scenario, operation, { outcome, of: as === undefined ? [] : [as] });
  ledger.acknowledge(operation, { action: "getToken", id: ledger.noteIssued(outcome.answer, askedAt) });
  return true;
}

/** Presents a refresh token to the procedure or to the token endpoint, and returns its successor. */
export async function present(scenario: Scenario, grant: Grant, token: string): Promise<Outcome<string>> {
  const { ledger, random } = scenario;
  const askedAt = ledger.timeline.tick();
  const isOAuth = random.chance(0.5);
  const operation = isOAuth ? "refresh by OAuth" : "refresh";
  const outcome = await attempt<{ token: string; refreshToken?: string | undefined }>((signal) =>
    isOAuth
      ? oauthClientOf(scenario, grant.as).refreshToken(token, { signal })
      : clientOf(scenario, grant.as).refreshToken.mutate({ refreshToken: token }, { signal }),
  );
  if (!isAnswer(outcome)) {
    noteRefusal(scenario, operation, { outcome, of: [grant] });
    return outcome;
  }
  const { refreshToken: successor = "" } = outcome.answer;
  ledger.noteSuccessor(token, successor);
  ledger.acknowledge(operation, { action: "refreshToken", id: ledger.noteIssued(outcome.answer, askedAt) });
  return { answer: successor };
}

/** Presents the current refresh token of a grant `times` times at once. */
export async function refresh(scenario: Scenario, times: number): Promise<boolean> {
  const grant = scenario.clocksAgree ? pickLive(scenario, scenario.ledger.grants) : undefined;
  if (grant === undefined) return true;
  grant.busy = true;
  const { current } = grant;
  const outcomes = await Promise.all(Array.from({ length: times }, () => present(scenario, grant, current)));
  const successor = outcomes.find(isAnswer);
  if (successor !== undefined) [grant.previous, grant.current] = [current, successor.answer];
  grant.busy = false;
  return successor !== undefined;
}

export async function verify(scenario: Scenario): Promise<boolean> {
  const token = scenario.clocksAgree ? pickLive(scenario, scenario.ledger.tokens) : undefined;
  if (token === undefined) return true;
  const client = clientOf(scenario);
  const outcome = await attempt((signal) => client.verifyToken.mutate({ token: token.text }, { signal }));
  if (!isAnswer(outcome) && scenario.clocksAgree) noteRefusal(scenario, "verify", { outcome, of: [token] });
  return isAnswer(outcome);
}
