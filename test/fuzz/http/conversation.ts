import { AGAIN, type RunOptions, requireFast, SLOW } from "../run-target.ts";
import { type Outcome, Violation } from "../target.ts";
import { checkAnswer } from "./check.ts";
import { converse } from "./connection.ts";
import type { Filled, Pool } from "./pool.ts";
import type { Conversation } from "./requests.ts";
import type { FuzzServer } from "./server.ts";

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
 * Tries the requests of a conversation that seemed slow again, each alone and five times. The lesser counts of the server's
 * work and the wait.
 */
export async function tryAgain(server: FuzzServer, suspect: Conversation, { pool, options }: Again): Promise<void> {
  async function timeOf(conversation: Conversation): Promise<number> {
    await server.measure();
    const { gap } = await tryConversation(server, pool, conversation);
    return Math.min(gap, (await server.measure()).longest);
  }

  options.tally.acquit();
  // Mostly it waited for other conversations.
  const whole = await timeOf(suspect).catch(() => Number.POSITIVE_INFINITY);
  if (whole <= SLOW) return options.tally.time(whole);
  for (const request of suspect.requests) {
    const alone = { ...suspect, requests: [request] };
    try {
      const first = await timeOf(alone);
      if (first <= SLOW) continue;
      const times = [first];
      while (times.length < AGAIN) times.push(await timeOf(alone));
      options.tally.time(requireFast(times));
    } catch (error) {
      options.onViolation(alone, error as Error);
    }
  }
}

/** The one request that breaks the promise alone, or all of them. */
export async function smallest(
  server: FuzzServer,
  pool: Pool,
  { conversation, error }: { conversation: Conversation; error: Error },
): Promise<Conversation> {
  for (const request of conversation.requests) {
    const alone = { ...conversation, requests: [request] };
    const alike = await tryConversation(server, pool, alone).catch(({ message }: Error) => message === error.message);
    if (alike === true) return alone;
  }
  return conversation;
}
