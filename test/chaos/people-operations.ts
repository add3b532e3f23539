import { attempt, isAnswer } from "./attempt.ts";
import { answerIn, type ChaosBrowser, fieldsIn, openChaosBrowser, type Visited } from "./browser.ts";
import type { Consent, Session } from "./ledger.ts";
import { authorizePath } from "./people.ts";
import { clientOf, newName, noteRefusal, pickLive, type Scenario } from "./scenario.ts";
import { withdraw } from "./withdrawal-operations.ts";

/** One step of a browser. Whatever it is answered is acknowledged. */
async function step(
  scenario: Scenario,
  browser: ChaosBrowser,
  { path, form }: { path: string; form?: Record<string, string> },
) {
  const outcome = await attempt((signal) => browser.visit(path, { signal, ...(form && { form }) }));
  if (isAnswer(outcome)) scenario.ledger.count("step of a browser");
  return outcome;
}

/** A new person signs in at the client that needs no consent. */
export async function signIn(scenario: Scenario): Promise<boolean> {
  const { ledger, web, issuer } = scenario;
  if (!scenario.clocksAgree) return true;
  const askedAt = ledger.timeline.tick();
  const browser = openChaosBrowser({ ...scenario, issuer });
  const subject = newName("person");
  const page = await step(scenario, browser, { path: authorizePath(web.first.clientId) });
  if (!isAnswer(page)) return noteRefusal(scenario, "begin a sign-in", { outcome: page });
  const form = { ...fieldsIn(page.answer), subject, claims: "{}" };
  const gotAt = performance.now();
  const outcome = await step(scenario, browser, { path: "/oauth/continue", form });
  const code = isAnswer(outcome) ? answerIn(outcome.answer, "code") : undefined;
  if (code === undefined) return noteRefusal(scenario, "sign in", { outcome });
  const listed = await attempt((signal) => clientOf(scenario).sessions.list.query({ subject }, { signal }));
  if (!isAnswer(listed)) return false;
  const [{ sid = undefined } = {}] = listed.answer.sessions;
  if (sid === undefined) {
    ledger.breach(`the session of ${subject} is not listed`);
    return false;
  }
  const handles = { sid, subject };
  const session = { what: `session ${sid}`, handles, browser, busy: false, isAgreed: false };
  ledger.sessions.push(ledger.timeline.add<Session>(session, askedAt));
  ledger.acknowledge("sign in", { action: "signIn", id: subject });
  ledger.acknowledge("authorize", { action: "authorize", id: sid });
  ledger.noteCode({ code, gotAt, client: web.first, handles }, askedAt);
  return true;
}

/** Does `work` with a live session that no other operation uses meanwhile. */
async function withSession(scenario: Scenario, work: (session: Session) => Promise<boolean>): Promise<boolean> {
  const session = scenario.clocksAgree ? pickLive(scenario, scenario.ledger.sessions) : undefined;
  if (session === undefined) return true;
  session.busy = true;
  const done = await work(session);
  session.busy = false;
  return done;
}

/** A person who is signed in comes to the client again, and is asked nothing. */
export function authorizeAgain(scenario: Scenario): Promise<boolean> {
  return withSession(scenario, async (session) => {
    const { ledger, web } = scenario;
    const [askedAt, gotAt] = [ledger.timeline.tick(), performance.now()];
    const outcome = await step(scenario, session.browser, { path: authorizePath(web.first.clientId) });
    if (!isAnswer(outcome)) return noteRefusal(scenario, "authorize", { outcome, of: [session] });
    return noteAuthorized(scenario, session, { visited: outcome.answer, client: web.first, askedAt, gotAt });
  });
}

/** A person agrees to a client, once. */
export function agree(scenario: Scenario): Promise<boolean> {
  return withSession(scenario, async (session) => {
    const { ledger, web } = scenario;
    if (session.isAgreed) return true;
    const [askedAt, gotAt] = [ledger.timeline.tick(), performance.now()];
    const page = await step(scenario, session.browser, { path: authorizePath(web.third.clientId) });
    if (!isAnswer(page) || !page.answer.body.includes('name="decision"')) return false;
    // Whether or not it is acknowledged: an id of a consent is used once.
    session.isAgreed = true;
    const form = { ...fieldsIn(page.answer), decision: "allow" };
    const outcome = await step(scenario, session.browser, { path: "/oauth/continue", form });
    if (!isAnswer(outcome)) return false;
    const authorized = { visited: outcome.answer, client: web.third, askedAt, gotAt };
    if (!noteAuthorized(scenario, session, authorized)) return false;
    const id = `${session.handles.subject} ${web.third.clientId}`;
    const consent = {
      what: `consent ${id}`,
      handles: { consent: id },
      subject: session.handles.subject ?? "",
      busy: false,
    };
    ledger.consents.push(ledger.timeline.add<Consent>(consent, askedAt));
    ledger.count("agree");
    return true;
  });
}

type Authorized = {
  visited: Visited;
  client: { clientId: string; clientSecret: string };
  askedAt: number;
  gotAt: number;
};

function noteAuthorized(
  scenario: Scenario,
  session: Session,
  { visited, client, askedAt, gotAt }: Authorized,
): boolean {
  const { ledger, web } = scenario;
  const code = answerIn(visited, "code");
  if (code === undefined) return noteRefusal(scenario, "authorize", { outcome: { refused: "asked" }, of: [session] });
  const { sid = "", subject = "" } = session.handles;
  const consent = client === web.third ? { consent: `${subject} ${client.clientId}` } : {};
  ledger.acknowledge("authorize", { action: "authorize", id: sid });
  ledger.noteCode({ code, gotAt, client, handles: { sid, subject, ...consent } }, askedAt);
  return true;
}

/** Ends a session. */
export async function endSession(scenario: Scenario): Promise<boolean> {
  const session = pickLive(scenario, scenario.ledger.sessions);
  if (session === undefined) return true;
  const { sid: id = "" } = session.handles;
  return withdraw(scenario, {
    ...{ operation: "end a session", targets: [{ by: "sid", id }], action: "sessions.revoke", id, of: session },
    send: (admin, options) => admin.sessions.revoke.mutate({ sid: id }, options),
  });
}

export async function revokePerson(scenario: Scenario): Promise<boolean> {
  const session = pickLive(scenario, scenario.ledger.sessions);
  if (session === undefined) return true;
  const { subject: id = "" } = session.handles;
  return withdraw(scenario, {
    ...{ operation: "revoke a person", targets: [{ by: "subject", id }], action: "revoke", id },
    send: (admin, options) => admin.revoke.mutate({ subject: id }, options),
  });
}

/** Ends a consent, and every grant that it led to. Without an answer, it may have ended in part: one grant after the other. */
export async function endConsent(scenario: Scenario): Promise<boolean> {
  const { ledger, web } = scenario;
  const consent = pickLive(scenario, ledger.consents);
  if (consent === undefined) return true;
  const { clientId } = web.third;
  const { timeline } = ledger;
  const ids = ledger.grantsOf(consent.handles.consent ?? "");
  consent.busy = true;
  const noted = [timeline.withdraw([{ by: "consent", id: consent.handles.consent ?? "" }])];
  noted.push(...ids.map((id) => timeline.withdraw([{ by: "grant", id }])));
  const input = { subject: consent.subject, clientId };
  const outcome = await attempt((signal) => clientOf(scenario).consents.revoke.mutate(input, { signal }));
  consent.busy = false;
  if (!isAnswer(outcome)) return noteRefusal(scenario, "end a consent", { outcome });
  for (const one of noted) timeline.acknowledge(one, performance.now());
  ledger.count("end a consent");
  return true;
}
