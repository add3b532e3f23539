import fc from "fast-check";
import { createRandom } from "../support/random.ts";
import type { Tally } from "./tally.ts";
import { type Outcome, type Target, Violation } from "./target.ts";

/** The longest time for an input, in milliseconds. */
export const SLOW = 50;

/** Runs alone of an input that seemed slow. It is slow if most of them are. */
export const AGAIN = 5;

const CORPUS = 400;
const FRESH = 100;
const MUTATED = 400;

export type RunOptions<Input> = {
  inputs: number;
  seed: number;
  tally: Tally;
  /** Receives every input that broke a promise. */
  onViolation: (input: Input, error: Error) => void;
  /** Returns the unhandled errors and warnings of this process since the last call. */
  strays?: () => Error[];
  onProgress?: () => void;
};

/**
 * Tries a target in this process with fresh inputs, and with mutations of inputs that passed the first parser or had a new
 * outcome. The same seed makes the same choices. fast-check generates the inputs; to run the whole loop on it would generate
 * two fresh inputs for each mutation, which doubles the time for tokens and JSON.
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

/** Tries one input, and a slow one again alone. Throws if it breaks a promise. */
async function tryOut<Input>(target: Target<Input>, input: Input, tally: Tally): Promise<Outcome> {
  const stop = startTimer();
  const outcome = await target.examine(input);
  const ms = stop();
  tally.time(ms > SLOW ? await timeAlone(() => target.examine(input)) : ms);
  if (ms > SLOW) tally.acquit();
  return outcome;
}

/** Returns the median time of five runs. Throws if it is too long. */
async function timeAlone(work: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < AGAIN; run += 1) {
    const stop = startTimer();
    await work();
    times.push(stop());
  }
  return requireFast(times);
}

/** The median of times in milliseconds. Throws if it is too long. */
export function requireFast(times: readonly number[]): number {
  const median = times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
  if (median > SLOW) throw new Violation(`takes more than ${SLOW} ms, ${times.length} times alone`);
  return median;
}

/** Measures milliseconds of wall time or of CPU time, whichever is less: other processes share the processor. */
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
