import { attempt, isAnswer, isRefusal, type Outcome } from "./attempt.ts";
import type { Client, Session } from "./books.ts";
import { clientOf, noteRefusal, pickLive, type Stage } from "./stage.ts";

/** In seconds: longer than a run takes. Servers are restarted with limits between them. */
const LIFETIMES = [86_400, 7 * 86_400];

type IssueOptions = { refreshable?: boolean; as?: Client };

export async function issue(stage: Stage, act: string, { refreshable = false, as }: IssueOptions = {}) {
  const { books, random, subjects } = stage;
  const askedAt = books.ledger.tick();
  const client = clientOf(stage, as && { clientId: as.clientId, clientSecret: as.secret });
  const input = {
    expiresIn: random.pick(LIFETIMES),
    ...(as === undefined && { subject: random.pick(subjects) }),
    refreshable,
  };
  const outcome = await attempt((signal) => client.getToken.query(input, { signal }));
  // The limit may be lower at the moment.
  if (isRefusal(outcome) && outcome.refused === "invalid_request") return false;
  // A session is not begun where its subject was revoked at the same moment.
  if (isRefusal(outcome) && outcome.refused === "conflict") return false;
  if (!isAnswer(outcome)) return noteRefusal(stage, act, { outcome, of: as === undefined ? [] : [as] });
  books.acknowledge(act, { action: "getToken", id: books.noteIssued(outcome.answer, askedAt) });
  return true;
}

/** Presents a refresh token, and gives the one that follows. */
export async function present(stage: Stage, session: Session, token: string): Promise<Outcome<string>> {
  const { books } = stage;
  const askedAt = books.ledger.tick();
  const client = clientOf(stage);
  const outcome = await attempt((signal) => client.refreshToken.mutate({ refreshToken: token }, { signal }));
  if (!isAnswer(outcome)) {
    noteRefusal(stage, "refresh", { outcome, of: [session] });
    return outcome;
  }
  const { refreshToken: successor = "" } = outcome.answer;
  books.noteSuccessor(token, successor);
  books.acknowledge("refresh", { action: "refreshToken", id: books.noteIssued(outcome.answer, askedAt) });
  return { answer: successor };
}

/** Presents the current refresh token of a session, several times at once where that is asked for. */
export async function refresh(stage: Stage, times: number): Promise<boolean> {
  const session = stage.clocksAgree ? pickLive(stage, stage.books.sessions) : undefined;
  if (session === undefined) return true;
  session.busy = true;
  const { current } = session;
  const outcomes = await Promise.all(Array.from({ length: times }, () => present(stage, session, current)));
  const successor = outcomes.find(isAnswer);
  if (successor !== undefined) [session.previous, session.current] = [current, successor.answer];
  session.busy = false;
  return successor !== undefined;
}

export async function verify(stage: Stage): Promise<boolean> {
  const token = stage.clocksAgree ? pickLive(stage, stage.books.tokens) : undefined;
  if (token === undefined) return true;
  const client = clientOf(stage);
  const outcome = await attempt((signal) => client.verifyToken.mutate({ token: token.text }, { signal }));
  if (!isAnswer(outcome) && stage.clocksAgree) noteRefusal(stage, "verify", { outcome, of: [token] });
  return isAnswer(outcome);
}
