import { setTimeout as sleep } from "node:timers/promises";
import type { Outcome } from "./attempt.ts";
import type { Scenario } from "./scenario.ts";

/** Attempts while there is no answer: everything has recovered by then. */
export const ATTEMPTS = 20;

/** Retries until there is an answer or a refusal. */
export async function retry<Answer>(
  scenario: Scenario,
  what: string,
  send: () => Promise<Outcome<Answer>>,
): Promise<Outcome<Answer>> {
  for (let times = 0; times < ATTEMPTS; times += 1) {
    const outcome = await send();
    if (outcome !== "lost") return outcome;
    await sleep(100);
  }
  scenario.ledger.breach(`no answer: ${what}`);
  return "lost";
}
