import fc from "fast-check";
import { mutate } from "../mutate.ts";
import { createRandom, type Random } from "../random.ts";
import { AGAIN, judgeTimes, type RunOptions, SLOW } from "../run-target.ts";
import { type Outcome, Violation } from "../target.ts";
import { checkAnswer } from "./check.ts";
import { converse } from "./connection.ts";
import { type Filled, openPool, type Pool } from "./pool.ts";
import { type Conversation, conversations } from "./requests.ts";
import { recordClient } from "./seeds.ts";
import { type FuzzServer, type Measured, startFuzzServer } from "./server.ts";

/** Conversations at a time, of those with many requests and of those with one, which may have to be waited for. */
const AT_ONCE = { framed: 3, raw: 24 };

const FRESH = 40;
const MUTATED = { framed: 40, raw: 120 };
const CORPUS = 600;

export type HttpReport = { warm: Measured; end: Measured; exitCode: number | null; longest: number; mean: number };

/**
 * Fuzzes a server that runs as a process of its own, over real sockets: with conversations of well-formed requests
 * that are sent without waiting, with the same after their bodies or targets were mutated, and with raw bytes. An
 * input is a request that was answered; a batch of calls is one.
 */
export async function runHttp(options: RunOptions<Conversation>): Promise<HttpReport> {
  const { inputs, tally, onViolation, onProgress = () => {} } = options;
  const random = createRandom(options.seed);
  const server = await startFuzzServer();
  const pool = await openPool(server);
  await pool.refill(options.seed);
  const corpus: Conversation[] = await recordClient(server.port, pool);
  let warm: Measured | undefined;
  let longest = 0;

  async function attempt(conversation: Conversation): Promise<void> {
    try {
      const { outcomes, gap } = await tryConversation(server, pool, conversation);
      for (const outcome of outcomes) tally.count(outcome);
      if (gap > SLOW) suspects.push(conversation);
      else tally.time(gap);
      if (outcomes.some(({ isParsed }) => isParsed) && random.chance(0.2)) keep(corpus, conversation, random);
    } catch (error) {
      tally.count({ what: "VIOLATION", isParsed: false });
      broken.push({ conversation, error: error as Error });
    }
  }

  const broken: { conversation: Conversation; error: Error }[] = [];
  const suspects: Conversation[] = [];
  try {
    while (tally.inputs < inputs && server.isRunning()) {
      await pool.refill(random.next() | 0);
      const round = makeRound(corpus, random);
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
      for (const { conversation, error } of broken.splice(0))
        onViolation(await smallest(server, pool, conversation), error);
      for (const suspect of suspects.splice(0)) await tryAgain(server, suspect, { pool, options });
      const log = server.takeLog();
      if (log.length > 0) onViolation(all(round), new Violation(`made the server say: ${log.join("; ")}`));
      if (warm === undefined && tally.inputs >= inputs / 10) {
        warm = await server.measure();
        longest = 0;
      }
      onProgress();
    }
    if (!server.isRunning())
      onViolation({ requests: [], from: 0, isFramed: false }, new Violation("The server has ended"));
    const end = await server.measure();
    longest = end.longest;
    return { warm: warm ?? end, end, longest, mean: end.total / end.requests, exitCode: await server.stop() };
  } finally {
    if (server.isRunning()) await server.stop();
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

/** All conversations of a round as one, where it is not known which of them it was. */
function all(round: readonly Conversation[]): Conversation {
  return { requests: round.flatMap(({ requests }) => requests), from: 0, isFramed: false };
}

function keep(corpus: Conversation[], conversation: Conversation, random: Random): void {
  if (corpus.length < CORPUS) corpus.push(conversation);
  else corpus[random.below(CORPUS)] = conversation;
}

const BODY = Buffer.from("\r\n\r\n");

/** Changes bodies, and targets by characters that may stand there: every request stays one. */
function mutateParts(
  { requests, from, isFramed }: Conversation,
  { requests: [other = BODY] }: Conversation,
  random: Random,
): Conversation {
  if (!isFramed) return { requests, from, isFramed };
  const changed = requests.map((request) => {
    const end = request.indexOf(BODY) + BODY.length;
    const body = request.subarray(end);
    if (body.length > 0) {
      const donor = other.subarray(other.indexOf(BODY) + BODY.length);
      return Buffer.concat([request.subarray(0, end), mutate(body, random, donor)]);
    }
    const line = request.indexOf("\r\n");
    const [method = "", target = "", version = ""] = request.toString("latin1", 0, line).split(" ");
    const mutated = mutate(Buffer.from(target, "latin1"), random, Buffer.from("/trpc/getToken?input=")).toString(
      "latin1",
    );
    const sound = mutated.replace(/[^\x21-\x7e]/g, "%") || "/";
    return Buffer.concat([Buffer.from([method, sound, version].join(" "), "latin1"), request.subarray(line)]);
  });
  return { requests: changed, from, isFramed };
}

/** Changes any byte of one request, and says what then may be several, or none. */
function mutateAnywhere({ requests, from }: Conversation, other: Conversation, random: Random): Conversation {
  if (requests.length === 0 || other.requests.length === 0) return { requests, from, isFramed: false };
  return { requests: [mutate(random.pick(requests), random, random.pick(other.requests))], from, isFramed: false };
}

/** Holds a conversation, and checks every answer. */
export async function tryConversation(
  { port }: Pick<FuzzServer, "port">,
  pool: Pool,
  { requests, from, isFramed }: Conversation,
): Promise<{ outcomes: Outcome[]; gap: number }> {
  const filled = requests.map(pool.fill);
  const { answers, rest, gap } = await converse(port, { requests: filled.map(({ wire }) => wire), from });
  if (isFramed && (rest.length > 0 || answers.length > requests.length))
    throw new Violation("was answered by more than one answer");
  const outcomes = answers.map((answer, at) => {
    const request: Filled | undefined = filled[at] ?? filled.at(-1);
    if (request === undefined) throw new Violation("was answered before it was asked");
    return checkAnswer(answer, request, pool);
  });
  return { outcomes: answers.length === 0 ? [{ what: "no answer", isParsed: false }] : outcomes, gap };
}

type Again = { pool: Pool; options: RunOptions<Conversation> };

/**
 * Tries the requests of what seemed slow again, each of them alone and five times: what counts is for how long the
 * server was at work, or how long was waited, if that is less.
 */
async function tryAgain(server: FuzzServer, suspect: Conversation, { pool, options }: Again): Promise<void> {
  for (const request of suspect.requests) {
    const alone = { ...suspect, requests: [request] };
    const times: number[] = [];
    try {
      for (let time = 0; time < AGAIN; time += 1) {
        await server.measure();
        const { gap } = await tryConversation(server, pool, alone);
        times.push(Math.min(gap, (await server.measure()).longest));
        if (Math.max(...times) <= SLOW) break;
      }
      options.tally.time(judgeTimes(times));
    } catch (error) {
      options.onViolation(alone, error as Error);
    }
  }
  options.tally.acquit();
}

/** The one request that breaks a promise by itself, or all of them where none does. */
async function smallest(server: FuzzServer, pool: Pool, conversation: Conversation): Promise<Conversation> {
  for (const request of conversation.requests) {
    const alone = { ...conversation, requests: [request] };
    const isKept = await tryConversation(server, pool, alone).then(
      () => true,
      () => false,
    );
    if (!isKept) return alone;
  }
  return conversation;
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
