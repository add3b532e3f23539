import { attempt, isAnswer } from "./attempt.ts";
import type { Consent, Session } from "./ledger.ts";
import { needsNoConsent } from "./people.ts";
import { retry } from "./retry.ts";
import { clientOf, type Scenario } from "./scenario.ts";

/** A live session is asked nothing at the client that needs no consent. An ended one never comes back. */
export async function inspectSession(scenario: Scenario, session: Session): Promise<void> {
  const { browser, what } = session;
  const { clientId } = scenario.web.first;
  const outcome = await retry(scenario, what, () => attempt((signal) => needsNoConsent(browser, clientId, signal)));
  if (isAnswer(outcome)) scenario.ledger.timeline.observe(session, outcome.answer ? "live" : "dead", performance.now());
}

/** A live consent is listed. */
export async function inspectConsent(scenario: Scenario, consent: Consent): Promise<void> {
  const { subject, what } = consent;
  const outcome = await retry(scenario, what, () =>
    attempt((signal) => clientOf(scenario).consents.list.query({ subject }, { signal })),
  );
  if (!isAnswer(outcome)) return;
  const isThere = outcome.answer.some(({ clientId }) => clientId === scenario.web.third.clientId);
  scenario.ledger.timeline.observe(consent, isThere ? "live" : "dead", performance.now());
}
