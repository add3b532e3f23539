import { createParser, type EventSourceMessage } from "eventsource-parser";
import * as z from "zod/mini";
import type { Milliseconds } from "../../time.ts";
import { readTrustUpdate, type TrustUpdate } from "../../trust/trust-update.ts";
import { createDeadline } from "./deadline.ts";
import { request, type Service } from "./http-client.ts";
import { IssuerError, reasonIn } from "./issuer-error.ts";

/** Longest event, in characters. The service splits large snapshots into far smaller pieces. */
const MAX_EVENT = 8 * 1024 * 1024;
const MAX_CURSOR = 1000;

export type FeedOptions = Service & {
  /** Longest time without an update. tRPC's pings do not count: they do not prove that the log is read. */
  silenceMs: Milliseconds;
};

export type FeedMessage = {
  update: TrustUpdate;
  /** Resumes after this update. */
  cursor: string | undefined;
};

/** Reads the feed over one connection. The end of the connection is an exception, too. */
export async function* readFeed(options: FeedOptions, after: string | undefined): AsyncGenerator<FeedMessage, never> {
  const { url, authorization, fetch, closing, silenceMs } = options;
  const deadline = createDeadline(closing);
  try {
    deadline.extend(silenceMs);
    const { headers, body } = await request(
      `${url}/trpc/events?input=${encodeURIComponent(JSON.stringify({ after }))}`,
      {
        headers: {
          accept: "text/event-stream",
          // A compressing proxy would delay messages.
          "accept-encoding": "identity",
          ...(authorization !== undefined && { authorization }),
        },
        signal: deadline.signal,
        fetch,
      },
    );
    if (!headers.get("content-type")?.startsWith("text/event-stream"))
      throw new IssuerError("The service sent no feed");
    for await (const event of readEvents(body)) {
      const message = readMessage(event);
      if (message === undefined) continue;
      deadline.extend(silenceMs);
      yield message;
    }
    throw new IssuerError("The feed broke off");
  } finally {
    deadline.end();
  }
}

async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<EventSourceMessage> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let events: EventSourceMessage[] = [];
  const parser = createParser({
    maxBufferSize: MAX_EVENT,
    onEvent: (event) => events.push(event),
    onError({ type }) {
      if (type === "max-buffer-size-exceeded") throw new IssuerError("The feed sent an event without an end");
    },
  });
  for await (const chunk of body) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    yield* events;
    events = [];
  }
}

/** The event names are tRPC's; an update has none. */
function readMessage({ event = "", data, id = "" }: EventSourceMessage): FeedMessage | undefined {
  if (event === "return") throw new IssuerError("The service ended the feed");
  if (event === "serialized-error") throw errorOf(parse(data));
  if (event !== "") return undefined;
  const update = readTrustUpdate(parse(data));
  if (update === undefined || id.length > MAX_CURSOR) throw new IssuerError("The feed sent no valid update");
  return { update, cursor: id || undefined };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const errorShape = z.object({ data: z.object({ httpStatus: z.int().check(z.gte(400), z.lte(599)) }) });

/** A refusal after the response headers. */
function errorOf(shape: unknown): IssuerError {
  const status = errorShape.safeParse(shape).data?.data.httpStatus;
  const message = `The service refused the feed${status === undefined ? "" : ` with ${status}`}`;
  return new IssuerError(message, { status, reason: reasonIn(shape) });
}
