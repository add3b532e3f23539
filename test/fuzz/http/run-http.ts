import fc from "fast-check";
import { createRandom, type Random } from "../../support/random.ts";
import { type RunOptions, SLOW } from "../run-target.ts";
import { Violation } from "../target.ts";
import { smallest, tryAgain, tryConversation } from "./conversation.ts";
import { mutateAnywhere, mutateParts } from "./mutate-requests.ts";
import { openPool } from "./pool.ts";
import { type Conversation, conversations } from "./requests.ts";
import { recordClient } from "./seeds.ts";
import { type Measured, startFuzzServer } from "./server.ts";

/** Concurrent conversations of many requests, and of one raw request, which may time out. */
const AT_ONCE = { framed: 3, raw: 24 };

const FRESH = 40;
const MUTATED = { framed: 40, raw: 120 };
const CORPUS = 600;

/** Bytes by which the server's heap may grow after a tenth of the inputs: it stores revocations until they expire. */
const MAX_GROWTH = 32 * 2 ** 20;

/** The server's report after a tenth of the inputs and at the end, and its exit status. */
export type HttpReport = { warm: Measured; end: Measured; exitCode: number | null };

/**
 * Fuzzes a server process over real sockets: with pipelined well-formed requests, with the same after mutation of bodies or
 * targets, and with raw bytes. An input is an answered request, or the bytes in place of one; a batch of calls is one.
 */
export async function runHttp(options: RunOptions<Conversation>): Promise<HttpReport> {
  const { inputs, tally, onViolation, onProgress = () => {} } = options;
  const random = createRandom(options.seed);
  const server = await startFuzzServer();
  const pool = await openPool(server);
  await pool.refill(options.seed);
  const corpus: Conversation[] = await recordClient(server.port, pool);
  let warm: Measured | undefined;

  async function attempt(conversation: Conversation): Promise<void> {
    try {
      const { outcomes, gap } = await tryConversation(server, pool, conversation);
      for (const outcome of outcomes) tally.count(outcome);
      if (gap > SLOW) suspects.push(conversation);
      if (outcomes.some(({ isParsed }) => isParsed) && random.chance(0.2)) keep(corpus, conversation, random);
    } catch (error) {
      // After the end of the server, no input is to blame.
      if (!server.isRunning()) return;
      tally.count({ what: "VIOLATION", isParsed: false });
      broken.push({ conversation, error: error as Error });
    }
  }

  let round: Conversation[] = [];
  const broken: { conversation: Conversation; error: Error }[] = [];
  const suspects: Conversation[] = [];
  try {
    while (tally.inputs < inputs && server.isRunning()) {
      await pool.refill(random.next() | 0);
      round = makeRound(corpus, random);
      await inParallel(
        round.filter(({ isFramed }) => isFramed),
        AT_ONCE.framed,
        attempt,
      );
      await inParallel(
        round.filter(({ isFramed }) => !isFramed),
        AT_ONCE.raw,
        attempt,
      );
      if (!server.isRunning()) break;
      for (const one of broken.splice(0)) onViolation(await smallest(server, pool, one), one.error);
      for (const suspect of suspects.splice(0)) await tryAgain(server, suspect, { pool, options });
      const log = server.takeLog();
      if (log.length > 0) onViolation(all(round), new Violation(`made the server say: ${log.join("; ")}`));
      if (tally.inputs >= inputs / 10) warm ??= await server.measure({ tidy: true });
      onProgress();
    }
    if (!server.isRunning()) throw new Error(`The server has ended: ${server.takeLog().join("; ")}`);
    const end = await server.measure({ tidy: true });
    warm ??= end;
    if (end.heapUsed > warm.heapUsed + MAX_GROWTH) onViolation(all(round), new Violation("made the server grow"));
    return { warm, end, exitCode: await server.stop() };
  } finally {
    if (server.isRunning()) await server.stop();
    if (server.exitCode() !== 0) onViolation(all(round), new Violation("made the server end"));
  }
}

function makeRound(corpus: Conversation[], random: Random): Conversation[] {
  const fresh = fc.sample(conversations, { numRuns: FRESH, seed: random.next() | 0 });
  for (const conversation of fresh) if (random.chance(0.5)) keep(corpus, conversation, random);
  const pick = () => random.pick(corpus);
  const framed = Array.from({ length: MUTATED.framed }, () => mutateParts(pick(), pick(), random));
  const raw = Array.from({ length: MUTATED.raw }, () => mutateAnywhere(pick(), pick(), random));
  return [...fresh, ...framed, ...raw];
}

/** All conversations of a round as one, if the guilty one is unknown. */
function all(round: readonly Conversation[]): Conversation {
  return { requests: round.flatMap(({ requests }) => requests), from: 0, isFramed: false };
}

function keep(corpus: Conversation[], conversation: Conversation, random: Random): void {
  if (corpus.length < CORPUS) corpus.push(conversation);
  else corpus[random.below(CORPUS)] = conversation;
}

async function inParallel<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
