import fc from "fast-check";
import { createRandom } from "../support/random.ts";
import type { Tally } from "./tally.ts";
import { type Outcome, type Target, Violation } from "./target.ts";

/** No input may take longer, in milliseconds. */
export const SLOW = 50;

/** How often an input that seemed slow is run again alone: it is slow if most of these are, too. */
export const AGAIN = 5;

const CORPUS = 400;
const FRESH = 100;
const MUTATED = 400;

export type RunOptions<Input> = {
  inputs: number;
  seed: number;
  tally: Tally;
  /** Is told of every input that broke a promise. */
  onViolation: (input: Input, error: Error) => void;
  /** Gives what this process has heard meanwhile that no promise caught. */
  strays?: () => Error[];
  /** Is called now and then. */
  onProgress?: () => void;
};

/**
 * Tries a target in this process, by turns with inputs made of its structure and with mutations of those
 * that got past the first parser or came to something new. The same seed makes the same choices.
 */
export async function runTarget<Input>(target: Target<Input>, options: RunOptions<Input>): Promise<void> {
  const { tally, onViolation, strays = () => [], onProgress = () => {} } = options;
  const random = createRandom(options.seed);
  const seen = new Set<string>();
  const corpus: Input[] = [];

  function keep(input: Input): void {
    if (corpus.length < CORPUS) corpus.push(input);
    else corpus[random.below(CORPUS)] = input;
  }

  async function attempt(input: Input): Promise<void> {
    const outcome = await tryOut(target, input, tally).catch((error: unknown) => {
      onViolation(input, asError(error));
      return { what: "VIOLATION", isParsed: false };
    });
    tally.count(outcome);
    if (!seen.has(outcome.what) || (outcome.isParsed && random.chance(0.1))) keep(input);
    seen.add(outcome.what);
    for (const stray of strays()) onViolation(input, stray);
  }

  for (let left = options.inputs; left > 0; left -= FRESH + MUTATED) {
    const fresh = fc.sample(target.structured, { numRuns: Math.min(FRESH, left), seed: random.next() | 0 });
    for (const input of fresh) await attempt(input);
    keep(random.pick(fresh));
    for (let count = Math.min(MUTATED, left - fresh.length); count > 0; count -= 1) {
      await attempt(target.mutate(random.pick(corpus), random, random.pick(corpus)));
    }
    onProgress();
  }
}

/** Tries one input, and where it seems slow tries it again alone. Throws where it breaks a promise. */
async function tryOut<Input>(target: Target<Input>, input: Input, tally: Tally): Promise<Outcome> {
  const stop = startTimer();
  const outcome = await target.examine(input);
  const ms = stop();
  tally.time(ms > SLOW ? await timeAlone(() => target.examine(input)) : ms);
  if (ms > SLOW) tally.acquit();
  return outcome;
}

/** Runs work again, and gives how long the middle one of five takes. Throws where that is too long. */
async function timeAlone(work: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < AGAIN; run += 1) {
    const stop = startTimer();
    await work();
    times.push(stop());
  }
  return requireFast(times);
}

/** The middle one of some times in milliseconds. Throws where that is too long. */
export function requireFast(times: readonly number[]): number {
  const median = times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
  if (median > SLOW) throw new Violation(`takes more than ${SLOW} ms, ${times.length} times alone`);
  return median;
}

/** Gives the milliseconds that went by, or that this process was at work if that is less: others want the processor, too. */
function startTimer(): () => number {
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return Math.min(performance.now() - start, (user + system) / 1000);
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(`threw ${typeof error}`);
}
