import { Agent } from "node:http";
import { createTRPCClient, httpBatchLink, httpBatchStreamLink, httpLink, httpSubscriptionLink } from "@trpc/client";
import { EventSource } from "eventsource";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TokenRouter } from "../../src/index.ts";
import { createTokenRouter } from "../../src/router/router.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { basic } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { raw, statuses } from "../support/raw.ts";
import { type RawRequest, send } from "../support/request.ts";
import { openServer } from "../support/service.ts";

const JSON_BODY = { "content-type": "application/json" };
const JSON_LINES = { "trpc-accept": "application/jsonl" };

/** Over connections that are kept: this file has as many requests as twenty others. */
const agent = new Agent({ keepAlive: true });
let open: Awaited<ReturnType<typeof openServer>>;
let closed: Awaited<ReturnType<typeof openServer>>;
beforeAll(async () => {
  open = await openServer();
  closed = await openServer({ open: false });
});
afterAll(async () => {
  agent.destroy();
  await open[Symbol.asyncDispose]();
  await closed[Symbol.asyncDispose]();
});

/** What a request was answered, by whatever lane: the reasons and the words of refusals, and whom tokens are about. */
async function outcomeOf(path: string, request: RawRequest = {}, url = open.url) {
  const { status, text } = await send(`${url}/trpc/${path}`, { agent, ...request });
  const reasons = [...text.matchAll(/"reason":"(\w+)"/g)].map(([, reason]) => reason);
  const subjects = [...text.matchAll(/"token":"[^.]+\.([^.]+)/g)].map(
    ([, payload = ""]) => JSON.parse(Buffer.from(payload, "base64url").toString()).sub,
  );
  return { status, reason: reasons[0], subjects, text };
}

const encoded = (text: string | Uint8Array) =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
const json = (value: unknown) => encodeURIComponent(JSON.stringify(value));

type Lane = { name: string; isBatch: boolean; send: (bytes: Buffer) => ReturnType<typeof outcomeOf> };

const post =
  (path: string, headers = {}) =>
  (body: Buffer, url?: string) =>
    outcomeOf(path, { method: "POST", headers: { ...JSON_BODY, ...headers }, body }, url);
const get =
  (path: string, headers = {}) =>
  (input: Buffer) =>
    outcomeOf(`${path}${path.includes("?") ? "&" : "?"}input=${encoded(input)}`, { headers });
const wrapped = (sendBatch: Lane["send"]) => (input: Buffer) =>
  sendBatch(Buffer.concat([Buffer.from('{"0":'), input, Buffer.from("}")]));

/** Every way on which an input comes to getToken: the fast one, tRPC's adapter, and both as batches. */
const LANES: Lane[] = [
  { name: "a body", isBatch: false, send: post("getToken") },
  {
    name: "a body in chunks",
    isBatch: false,
    send: (body) => outcomeOf("getToken", { method: "POST", headers: JSON_BODY, body, chunked: true }),
  },
  { name: "a URL", isBatch: false, send: get("getToken") },
  { name: "a batch by POST", isBatch: true, send: wrapped(post("getToken?batch=1")) },
  { name: "a batch by GET", isBatch: true, send: wrapped(get("getToken?batch=1")) },
  { name: "a batch as JSON lines by POST", isBatch: true, send: wrapped(post("getToken?batch=1", JSON_LINES)) },
  { name: "a batch as JSON lines by GET", isBatch: true, send: wrapped(get("getToken?batch=1", JSON_LINES)) },
  { name: "an encoded name by POST", isBatch: false, send: post("get%54oken") },
  { name: "an encoded name by GET", isBatch: false, send: get("get%54oken") },
];

const bytes = (text: string) => Buffer.from(text, "latin1");

describe.each(LANES)("$name", ({ send }) => {
  it.each<[string, Buffer]>([
    ["a byte of Latin-1", bytes('{"subject":"m\xe9"}')],
    ["another byte of Latin-1", bytes('{"subject":"m\xe8"}')],
    ["a sequence cut short", bytes('{"subject":"m\xe2\x82"}')],
    ["an overlong sequence", bytes('{"subject":"\xc0\xaf"}')],
    ["a surrogate in UTF-8", bytes('{"subject":"\xed\xa0\x80"}')],
    ["bytes that are no UTF-8 in a name", bytes('{"claims":{"\xff":1}}')],
    ["UTF-16", Buffer.from('{"subject":"ada"}', "utf16le")],
    ["a field twice", bytes('{"subject":"ada","subject":"eve"}')],
    ["a field twice alike", bytes('{"subject":"ada","subject":"ada"}')],
    ["a field twice, once escaped", bytes('{"subject":"ada","s\\u0075bject":"eve"}')],
    ["a claim twice", bytes('{"claims":{"role":"a","role":"b"}}')],
    ["a claim twice inside of a list", bytes('{"claims":{"x":[[{"a":1},{"a":1 , "b":2,"a":3}]]}}')],
    ["a claim twice among spaces", bytes('{"claims" : {"a" : 1 , "a" : 2}}')],
    ["a number that becomes zero", bytes('{"claims":{"x":1e-400}}')],
    ["a negative number that becomes zero", bytes('{"claims":{"x":-0.5e-999}}')],
  ])("refuses %s", async (_name, input) => {
    expect(await send(input)).toMatchObject({ reason: "malformed_request", subjects: [] });
  });

  it.each([
    "9007199254740992",
    "9007199254740993",
    "-9007199254740993",
    "9007199254740993.0",
    "9007199254740993e0",
    "0.9007199254740993e16",
    "90071992547409930e-1",
    "12345678901234567890",
    "1e16",
    "1e22",
    "1e400",
    "-1e999",
  ])("rejects the claim %s, and says how to send it", async (number) => {
    for (const claims of [`{"id":${number}}`, `{"x":[{"id":${number}}]}`]) {
      const { reason, subjects, text } = await send(bytes(`{"claims":${claims}}`));
      expect({ reason, subjects }).toEqual({ reason: "invalid_request", subjects: [] });
      expect(text).toContain("claims has a number beyond 2^53 - 1: send it as a string");
    }
  });

  it.each([
    '{"subject":"ada","claims":{"a":9007199254740991,"b":-9007199254740991,"c":0.1,"d":1e15,"e":-0,"f":0e-400,"g":5e-324}}',
    ' { "subject" : "ada" , "claims" : { "0.0" : "1e-400" , "a:b" : "{\\"a\\":1,\\"a\\":2}" , "x" : [{"a":1},{"a":2}] } } ',
    '{"subject":"\\u0061da","claims":{"b":"9007199254740993","__proto":"é😀","A":1,"a":1}}',
  ])("takes %s", async (input) => {
    expect(await send(Buffer.from(input))).toMatchObject({ status: 200, subjects: ["ada"] });
  });

  it("distinguishes texts that differ only in normalization", async () => {
    expect(await send(Buffer.from('{"subject":"\u00e9"}'))).toMatchObject({ subjects: ["\u00e9"] });
    expect(await send(Buffer.from('{"subject":"e\u0301"}'))).toMatchObject({ subjects: ["e\u0301"] });
  });

  it("rejects unknown fields", async () => {
    for (const input of [
      '{"sub":"ada"}',
      '{"__proto__":{"subject":"ada"}}',
      '{"claims":{"x":{"__proto__":1}}}',
      "[]",
      '"ada"',
    ])
      expect(await send(bytes(input))).toMatchObject({ reason: "invalid_request", subjects: [] });
  });
});

describe("a batch", () => {
  it.each([
    '{"subject":"ada"}',
    '{"0":{},"subject":"ada"}',
    '{"00":{"subject":"ada"}}',
    '{"-0":{"subject":"ada"}}',
    '{"0":{},"__proto__":{}}',
    '{"0":{"subject":"eve"},"\\u0030":{}}',
  ])("with the input %s of no call, or of one call twice, is rejected", async (input) => {
    for (const lane of [post("getToken?batch=1"), get("getToken?batch=1"), post("getToken?batch=1", JSON_LINES)])
      expect(await lane(bytes(input))).toMatchObject({ reason: "malformed_request", subjects: [] });
  });

  it("rejects only the call with an inexact number", async () => {
    const body = '{"0":{"claims":{"id":9007199254740993}},"1":{"subject":"ada"}}';
    expect(await post("getToken,getToken?batch=1")(bytes(body))).toMatchObject({ status: 207, subjects: ["ada"] });
  });
});

describe("a body", () => {
  it("may begin with one byte order mark", async () => {
    expect(await post("getToken")(Buffer.from('\ufeff{"subject":"ada"}'))).toMatchObject({ subjects: ["ada"] });
    expect(await post("getToken")(Buffer.from('\ufeff\ufeff{"subject":"ada"}'))).toMatchObject({ status: 400 });
    expect(await get("getToken")(Buffer.from('\ufeff{"subject":"ada"}'))).toMatchObject({ status: 400 });
  });
});

/** Queries that are refused wherever they stand. */
const QUERIES = [
  "subject=ada",
  "input={}&subject=ada",
  "Input={}",
  "input[subject]=ada",
  "INPUT=%7B%7D",
  "inputs={}",
  "batch=2",
  "batch=0",
  "batch=",
  "batch",
  "batch=true",
  "batch=1&batch=1",
  "batch=1&b%61tch=1",
  "input={}&input={}",
  "input={}&%69nput={}",
  "=",
  "x",
  "%E9=1",
  "input=%E9",
  "input=%22%c0%af%22",
  "input=%",
  "lastEventId=1",
  // tRPC's adapter takes it for no input. Its sender has lost one.
  "input=",
  "input",
  "input=&",
];

describe("a query", () => {
  it.each([...QUERIES, "connectionParams=%7B%7D", "connectionParams=null"])("%s is refused", async (query) => {
    for (const path of ["getToken", "keys.list", "clients.list", "audit.list", "get%54oken"]) {
      const { status, reason } = await outcomeOf(`${path}?${query}`);
      expect({ path, status, reason }).toEqual({ path, status: 400, reason: "malformed_request" });
    }
    // As JSON lines, the status is said before there is any.
    for (const path of ["getToken", "getToken,getToken"]) {
      const { reason, subjects } = await outcomeOf(`${path}?batch=1&${query}`, { headers: JSON_LINES });
      expect({ path, reason, subjects }).toEqual({ path, reason: "malformed_request", subjects: [] });
    }
  });

  it.each([...QUERIES, "input={}", "batch=1&input={}"])("%s is refused with a POST", async (query) => {
    const procedures = Object.keys(createTokenRouter(open.service)._def.procedures).filter((name) => name !== "events");
    for (const path of procedures) {
      const { status, reason } = await post(`${path}?${query}`)(bytes("{}"));
      expect({ path, status, reason }).toEqual({ path, status: 400, reason: "malformed_request" });
    }
  });

  it("that is rejected says how to send the input", async () => {
    const { text } = await outcomeOf("getToken?subject=ada");
    expect(JSON.parse(text).error.message).toBe(
      "The request is not well-formed: has an unknown query parameter: send the input as JSON, URL-encoded in `input`, or by POST as the body",
    );
  });

  it.each(["\xe9", "\xc3\xa9", "a#b"])(
    "with the raw bytes %j is refused: they are read in several ways",
    async (bytes) => {
      const target = `/trpc/getToken?input={"subject":"${bytes}"}`;
      const answer = await raw(open.url, `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
      expect(statuses(answer)).toEqual([400]);
    },
  );

  it.each(["", "&", 'input={"subject":"ada"}', "input=%7b%22subject%22:%22a+b%22}", "&input={}&"])(
    "%s is served",
    async (query) => {
      expect(await outcomeOf(`getToken?${query}`)).toMatchObject({ status: 200 });
    },
  );

  it("of a document is ignored", async () => {
    for (const path of ["/healthz", "/readyz", "/docs", "/docs/", "/openapi.json", "/.well-known/jwks.json", "/"])
      expect((await send(`${open.url}${path}?x=1&x=2&%E9`)).status).toBe(200);
  });
});

describe("a subscription", () => {
  const first = async (query: string) => {
    const leaving = new AbortController();
    const response = await fetch(`${open.url}/trpc/events${query}`, { signal: leaving.signal });
    let text = "";
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (/data: .*(reason|keys)/.test(text)) break;
    }
    leaving.abort();
    return text;
  };

  it.each(QUERIES.filter((query) => query !== "lastEventId=1"))("refuses the query %s", async (query) => {
    expect(await first(`?${query}`)).toMatch(/"reason":"(malformed|invalid)_request"/);
  });

  it.each([
    "input={}&lastEventId=1&Last-Event-Id=1",
    "lastEventId=1&lastEventId=1",
    `input=${encoded('{"after":"a","after":"b"}')}`,
    `input=${encoded(bytes('{"after":"\xe9"}'))}`,
    "after=1",
  ])("refuses %s", async (query) => {
    expect(await first(`?${query}`)).toContain('"reason":"malformed_request"');
  });

  it.each([
    ["events?batch=1", 200],
    ["events?batch=1&input=%7B%7D", 200],
    [`events?batch=1&input=${json({ 0: { after: "1" } })}`, 400],
    ["%65vents?batch=1", 400],
    ["events,events?batch=1", 400],
    ["events,keys.list?batch=1", 400],
    ["keys.list,events?batch=1", 400],
  ])("is served in a batch of one, and rejected in a longer one: %s", async (path, expected) => {
    const leaving = new AbortController();
    const response = await fetch(`${open.url}/trpc/${path}`, { signal: leaving.signal });
    if (expected !== 200)
      expect(await response.text()).toMatch(/"reason":"(malformed_request|invalid_request|not_found)"/);
    leaving.abort();
    expect(response.status).toBe(expected);
  });

  it.each([
    "",
    "?",
    "?batch=1",
    "?lastEventId=1",
    "?Last-Event-Id=1",
    `?input=${json({ after: "1" })}`,
    "?connectionParams=null",
  ])("takes the query %j", async (query) => {
    expect(await first(query)).not.toContain("reason");
  });
});

describe("an unauthenticated caller", () => {
  it.each(["getToken?subject=ada", "getToken?input=%E9", "getToken?batch=2", "keys.list?x=1", "events?x=1"])(
    "gets from %s that it is not, and nothing of the input",
    async (path) => {
      expect(await outcomeOf(path, {}, closed.url)).toMatchObject({ reason: "invalid_client" });
    },
  );

  it("is rejected with a body too, on every path", async () => {
    const lanes = ["getToken", "getToken?batch=1", "get%54oken", "clients.list"].map((path) => post(path));
    for (const lane of [...lanes, post("getToken?batch=1", JSON_LINES)])
      for (const body of ["{", "\xff", '{"0":{"a":1,"a":1}}', '{"claims":{"id":1e400}}'])
        expect((await lane(bytes(body), closed.url)).reason).toMatch(/^(invalid_client|too_many_attempts)$/);
  });
});

describe("tRPC's own clients", () => {
  const url = () => `${open.url}/trpc`;
  const subject = "a&b=c#d%é+ 😀?";

  it.each([
    ["httpLink", () => httpLink({ url: url() })],
    ["httpLink by POST", () => httpLink({ url: url(), methodOverride: "POST" })],
    ["httpBatchLink", () => httpBatchLink({ url: url() })],
    ["httpBatchLink by POST", () => httpBatchLink({ url: url(), methodOverride: "POST" })],
    ["httpBatchStreamLink", () => httpBatchStreamLink({ url: url() })],
    ["httpBatchStreamLink by POST", () => httpBatchStreamLink({ url: url(), methodOverride: "POST" })],
  ] as const)("are served by %s", async (_name, link) => {
    const client = createTRPCClient<TokenRouter>({ links: [link()] });
    const [issued, other, keys, page] = await Promise.all([
      client.getToken.query({ subject }),
      client.getToken.query(),
      client.keys.list.query(),
      client.audit.list.query({ limit: 1 }),
    ]);
    expect(await client.verifyToken.mutate({ token: issued.token })).toMatchObject({ sub: subject });
    expect(await client.verifyToken.mutate({ token: other.token })).toMatchObject({ sub: "local" });
    expect(keys).toHaveLength(1);
    expect(page.records.length).toBeLessThanOrEqual(1);
    await expect(client.getToken.query({ claims: { id: 2 ** 53 } })).rejects.toMatchObject({
      data: { reason: "invalid_request" },
      message: expect.stringContaining("send it as a string"),
    });
  });

  it("follow the events, with and without connection parameters, and reconnect", async () => {
    for (const connectionParams of [undefined, async () => ({ a: "1" })]) {
      const link = httpSubscriptionLink({ url: url(), EventSource, ...(connectionParams && { connectionParams }) });
      const client = createTRPCClient<TokenRouter>({ links: [link] });
      const follow = (input?: { after: string }) =>
        new Promise<string>((resolve, reject) => {
          const { unsubscribe } = client.events.subscribe(input, {
            onData: ({ id }) => {
              unsubscribe();
              resolve(id);
            },
            onError: reject,
          });
        });
      expect(await follow()).toBe(await follow({ after: "unknown" }));
    }
  });
});

describe("the claims of a token", () => {
  it("are checked alike in process, where a number has already lost digits", async () => {
    await expect(open.service.getToken(localCaller, { claims: { id: 2 ** 53 } })).rejects.toMatchObject({
      reason: "invalid_request",
      issues: [{ path: "claims", message: "has a number beyond 2^53 - 1: send it as a string" }],
    });
  });
});

it("serves clients with credentials on all paths", async () => {
  const authorization = basic(await addClient(closed.service, { permissions: ["admin"], anySubject: true }));
  for (const headers of [{ authorization }, { authorization, ...JSON_LINES }])
    for (const path of [`getToken?batch=1&input=${json({ 0: { subject: "ada" } })}`, "keys.list?batch=1"])
      expect(await outcomeOf(path, { headers }, closed.url)).toMatchObject({ status: 200 });
});
