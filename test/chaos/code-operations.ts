import { attempt, isAnswer, isRefusal, type Outcome } from "./attempt.ts";
import type { Code } from "./ledger.ts";
import { exchangeOf } from "./people.ts";
import { noteRefusal, oauthClientOf, pickLive, type Scenario } from "./scenario.ts";

/** Milliseconds: a code lives for a minute, and its client can be late. */
const CODE_AGE = 40_000;

/** Exchanges a code at `times` servers at once. One alone may get tokens; if another tries, they end. */
export async function exchange(scenario: Scenario, times: number): Promise<boolean> {
  const { ledger, clocksAgree } = scenario;
  const isUsable = ({ gotAt, handles }: Code) =>
    performance.now() - gotAt < CODE_AGE && consentOf(scenario, handles.consent)?.busy !== true;
  const code = clocksAgree ? pickLive(scenario, ledger.codes.filter(isUsable)) : undefined;
  if (code === undefined) return true;
  ledger.codes.splice(ledger.codes.indexOf(code), 1);
  const consent = consentOf(scenario, code.handles.consent);
  if (consent !== undefined) consent.busy = true;
  const outcomes = await Promise.all(Array.from({ length: times }, () => redeem(scenario, code)));
  const isDone = noteUses(scenario, code, outcomes) || (await tryAgain(scenario, code, outcomes));
  if (consent !== undefined) consent.busy = false;
  return isDone;
}

const consentOf = ({ ledger }: Scenario, id: string | undefined) =>
  id === undefined ? undefined : ledger.consents.find(({ handles }) => handles.consent === id);

type Issued = { token: string; refreshToken?: string | undefined; askedAt: number };

async function redeem(scenario: Scenario, code: Code): Promise<Outcome<Issued>> {
  const askedAt = scenario.ledger.timeline.tick();
  const client = oauthClientOf(scenario, code.client);
  return attempt(async (signal) => ({ ...(await client.exchange(exchangeOf(code), { signal })), askedAt }));
}

/** Records the tokens, if there are any. */
function noteUses({ ledger }: Scenario, code: Code, outcomes: readonly Outcome<Issued>[]): boolean {
  const issued = outcomes.filter(isAnswer);
  const [first, another] = issued;
  if (first === undefined) return false;
  if (another !== undefined) ledger.breach(`${code.what} was accepted twice`);
  const grant = ledger.noteExchanged(first.answer, code);
  if (outcomes.length === issued.length) return true;
  const noted = ledger.timeline.withdraw([{ by: "grant", id: grant }]);
  // The refusal of an attempt says that it was the second use. An attempt without an answer may be one, or become one.
  if (outcomes.some((outcome) => isRefusal(outcome) && outcome.refused === "invalid_code"))
    ledger.timeline.acknowledge(noted, performance.now());
  return true;
}

/** Nobody got tokens: either the code is still good, or its use is recorded. */
async function tryAgain(scenario: Scenario, code: Code, outcomes: readonly Outcome<Issued>[]): Promise<boolean> {
  const { ledger } = scenario;
  const isLate = () => performance.now() - code.gotAt > CODE_AGE;
  const [refusal] = outcomes.filter(isRefusal);
  if (!outcomes.includes("lost")) {
    if (refusal !== undefined && !isLate()) noteRefusal(scenario, "exchange", { outcome: refusal, of: [code] });
    return false;
  }
  const again = await redeem(scenario, code);
  if (isAnswer(again)) return noteUses(scenario, code, [again, "lost"]);
  const isUsed = isRefusal(again) && again.refused === "invalid_code" && code.life === "live";
  if (isUsed && !isLate())
    ledger.acknowledge("exchange without an answer", { action: "exchangeCode", id: code.handles.subject ?? "" });
  return false;
}

/** Presents a code that may have ended: what has ended never gives tokens. */
export async function inspectCode(scenario: Scenario, code: Code): Promise<void> {
  if (performance.now() - code.gotAt > CODE_AGE) return;
  const outcome = await redeem(scenario, code);
  const isRefused = isRefusal(outcome) && outcome.refused === "invalid_code";
  if (isAnswer(outcome) || isRefused) {
    scenario.ledger.codes.splice(scenario.ledger.codes.indexOf(code), 1);
    scenario.ledger.timeline.observe(code, isRefused ? "dead" : "live", performance.now());
  }
  if (isAnswer(outcome)) scenario.ledger.noteExchanged(outcome.answer, code);
}
