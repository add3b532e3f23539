/** An answer. Names of header fields are in lower case. */
export type Answer = { status: number; headers: ReadonlyMap<string, string>; body: Buffer };

const HEAD_END = Buffer.from("\r\n\r\n");
const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d) [\x20-\x7e]*$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\x20-\x7e\t]*)$/;

/** The answer violates RFC 9112. */
export class MalformedAnswer extends Error {
  override readonly name = "MalformedAnswer";
}

/**
 * Takes complete answers from the front of the received bytes, strictly: a lenient client or proxy would lose
 * synchronisation. `isEnd` says that the connection has ended, `isHead` whether the answer of an index is to a HEAD.
 */
export function takeAnswers(
  received: Buffer,
  { isEnd, isHead }: { isEnd: boolean; isHead: (index: number) => boolean },
): { answers: Answer[]; rest: Buffer } {
  const answers: Answer[] = [];
  let rest = received;
  while (rest.length > 0) {
    const taken = takeOne(rest, isEnd, isHead(answers.length));
    if (taken === undefined) break;
    rest = taken.rest;
    // 100 Continue is no final answer.
    if (taken.answer.status >= 200) answers.push(taken.answer);
  }
  return { answers, rest };
}

type Taken = { answer: Answer; rest: Buffer } | undefined;

function takeOne(received: Buffer, isEnd: boolean, isHead: boolean): Taken {
  const end = received.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const [first = "", ...lines] = received.toString("latin1", 0, end).split("\r\n");
  const [, code] = STATUS_LINE.exec(first) ?? [];
  if (code === undefined) throw new MalformedAnswer("has no status line");
  const headers = readFields(lines);
  const status = Number(code);
  const after = received.subarray(end + HEAD_END.length);
  const withBody = (body: Buffer, rest: Buffer) => ({ answer: { status, headers, body }, rest });
  if (status < 200 || status === 204 || status === 304 || isHead) return withBody(Buffer.alloc(0), after);
  const length = headers.get("content-length");
  if (headers.get("transfer-encoding") === "chunked") {
    if (length !== undefined) throw new MalformedAnswer("has two lengths");
    const dechunked = takeChunks(after, headers.get("content-type") === "text/event-stream");
    return dechunked && withBody(dechunked.body, dechunked.rest);
  }
  if (length === undefined) return isEnd ? withBody(after, Buffer.alloc(0)) : undefined;
  if (!/^\d+$/.test(length)) throw new MalformedAnswer("has a length that is no number");
  return after.length < Number(length)
    ? undefined
    : withBody(after.subarray(0, Number(length)), after.subarray(Number(length)));
}

function readFields(lines: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const [, name, value = ""] = FIELD.exec(line) ?? [];
    if (name === undefined) throw new MalformedAnswer("has a line that is no header field");
    const known = fields.get(name.toLowerCase());
    if (known !== undefined && /^content-|^transfer-/i.test(name)) throw new MalformedAnswer("says twice what it is");
    fields.set(name.toLowerCase(), known === undefined ? value : `${known}, ${value}`);
  }
  return fields;
}

/** Takes a chunked body. An endless one is complete with its first event. */
function takeChunks(after: Buffer, isFeed: boolean): { body: Buffer; rest: Buffer } | undefined {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = after.indexOf("\r\n", at);
    if (line < 0) break;
    const size = after.toString("latin1", at, line);
    if (!/^[0-9a-fA-F]{1,8}$/.test(size)) throw new MalformedAnswer("has a chunk without a size");
    const [from, to] = [line + 2, line + 2 + Number.parseInt(size, 16)];
    if (after.length < to + 2) break;
    if (after.toString("latin1", to, to + 2) !== "\r\n") throw new MalformedAnswer("has a chunk without an end");
    if (from === to) return { body: Buffer.concat(chunks), rest: after.subarray(to + 2) };
    chunks.push(after.subarray(from, to));
    at = to + 2;
  }
  return isFeed && chunks.length > 1 ? { body: Buffer.concat(chunks), rest: Buffer.alloc(0) } : undefined;
}
