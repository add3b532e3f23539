import { createParser, type EventSourceMessage } from "eventsource-parser";
import { z } from "zod";
import { readTrustUpdate, type TrustUpdate } from "../../trust/trust-update.ts";
import { createDeadline } from "./deadline.ts";
import { request, type Service } from "./http-client.ts";
import { ExchangeError, reasonIn } from "./issuer-error.ts";

/** Longest event, in characters. The service sends large snapshots in pieces far smaller than this. */
const MAX_EVENT = 8 * 1024 * 1024;
const MAX_CURSOR = 1000;

export type FeedOptions = Service & {
  /** Longest time without an update, in milliseconds. tRPC's own pings do not count: they say nothing of the log. */
  silence: number;
};

export type FeedMessage = {
  update: TrustUpdate;
  /** What to ask for to get whatever comes after this update. */
  cursor: string | undefined;
};

/** Follows the events of the service over one connection. However that ends, it ends in a rejection. */
export async function* readFeed(options: FeedOptions, after: string | undefined): AsyncGenerator<FeedMessage, never> {
  const { url, authorization, fetch, closing, silence } = options;
  const deadline = createDeadline(closing);
  try {
    deadline.extend(silence);
    const { headers, body } = await request(
      `${url}/trpc/events?input=${encodeURIComponent(JSON.stringify({ after }))}`,
      {
        headers: {
          accept: "text/event-stream",
          // Whoever compresses on the way holds messages back.
          "accept-encoding": "identity",
          ...(authorization !== undefined && { authorization }),
        },
        signal: deadline.signal,
        fetch,
      },
    );
    if (!headers.get("content-type")?.startsWith("text/event-stream")) throw new ExchangeError("This is no feed");
    for await (const event of readEvents(body)) {
      const message = readMessage(event);
      if (message === undefined) continue;
      deadline.extend(silence);
      yield message;
    }
    throw new ExchangeError("The feed broke off");
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
      if (type === "max-buffer-size-exceeded") throw new ExchangeError("The feed sent an event without an end");
    },
  });
  for await (const chunk of body) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    yield* events;
    events = [];
  }
}

/** The names are those of tRPC's own events; a message has none. */
function readMessage({ event = "", data, id = "" }: EventSourceMessage): FeedMessage | undefined {
  if (event === "return") throw new ExchangeError("The service ended the feed");
  if (event === "serialized-error") throw errorOf(parse(data));
  if (event !== "") return undefined;
  const update = readTrustUpdate(parse(data));
  if (update === undefined || id.length > MAX_CURSOR) throw new ExchangeError("The feed sent what is no update");
  return { update, cursor: id || undefined };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const errorShape = z.object({ data: z.object({ httpStatus: z.int().min(400).max(599) }) });

/** A refusal that came too late for a status of its own: the feed had begun. */
function errorOf(shape: unknown): ExchangeError {
  const status = errorShape.safeParse(shape).data?.data.httpStatus;
  const message = `The service refused the feed${status === undefined ? "" : ` with ${status}`}`;
  return new ExchangeError(message, { status, reason: reasonIn(shape) });
}
