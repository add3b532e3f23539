import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, type Server, request as send } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { initTRPC, lazy, TRPCError } from "@trpc/server";
import { type CreateHTTPHandlerOptions, createHTTPHandler } from "@trpc/server/adapters/standalone";
import fc from "fast-check";
import { afterAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { createRpcHandler } from "../../src/http/rpc/rpc-handler.ts";
import { anyCharacter } from "../support/any-character.ts";

const CODES = [
  ["PARSE_ERROR", "BAD_REQUEST", "INTERNAL_SERVER_ERROR", "NOT_IMPLEMENTED", "BAD_GATEWAY", "SERVICE_UNAVAILABLE"],
  ["GATEWAY_TIMEOUT", "UNAUTHORIZED", "PAYMENT_REQUIRED", "FORBIDDEN", "NOT_FOUND", "METHOD_NOT_SUPPORTED", "TIMEOUT"],
  ["CONFLICT", "PRECONDITION_FAILED", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE", "UNPROCESSABLE_CONTENT"],
  ["PRECONDITION_REQUIRED", "TOO_MANY_REQUESTS", "CLIENT_CLOSED_REQUEST"],
].flat() as TRPCError["code"][];

type Context = { name: string };
const t = initTRPC.context<Context>().create({
  isDev: false,
  errorFormatter({ shape, input, type, path, ctx }) {
    if (ctx?.name === "unformatted") throw new Error("the formatter fails");
    return { ...shape, data: { ...shape.data, input: input ?? null, type, path, name: ctx?.name ?? null } };
  },
});
const hello = z.strictObject({ name: z.string().max(9) }).optional();

const router = t.router({
  hello: t.procedure.input(hello).query(({ input, ctx }) => ({ hello: input?.name ?? ctx.name })),
  echo: t.procedure.input(z.unknown()).query(({ input }) => input),
  set: t.procedure.input(z.object({ value: z.int() })).mutation(({ input }) => input),
  shout: t.procedure.input(z.unknown()).mutation(({ input }) => input),
  nothing: t.procedure.mutation(() => undefined),
  unread: t.procedure.mutation(() => "the input was not looked at"),
  closed: t.procedure
    .use(() => {
      throw new TRPCError({ code: "UNAUTHORIZED", message: "before the input is read" });
    })
    .input(hello)
    .mutation(() => "never"),
  fail: t.procedure.input(z.object({ code: z.enum(CODES) })).query(({ input }) => {
    throw new TRPCError({ code: input.code, message: `it is ${input.code}` });
  }),
  broken: t.procedure.query(() => {
    throw new Error("inner");
  }),
  unprintable: t.procedure.query(() => ({ big: 1n })),
  stream: t.procedure.query(async function* () {
    yield 1;
  }),
  later: t.procedure.query(() => ({ at: Promise.resolve(1) })),
  ticks: t.procedure.subscription(async function* () {
    yield 1;
  }),
  deep: { er: { still: t.procedure.query(() => "deep") } },
  lazy: lazy(async () => t.router({ inner: t.procedure.query(() => "lazy") })),
});

/** What each of the two handlers received beside the request. */
type Received = { errors: unknown[]; contexts: unknown[] };

function optionsFor(received: Received, more: Partial<CreateHTTPHandlerOptions<typeof router>> = {}) {
  return {
    router,
    basePath: "/trpc/",
    allowMethodOverride: true,
    maxBatchSize: 5,
    maxBodySize: 2000,
    async createContext({ req, info }) {
      const calls = info.calls.map(({ path, batchIndex }) => [path, batchIndex]);
      const { accept, type, isBatchCall, connectionParams, url } = info;
      received.contexts.push({
        accept,
        type,
        isBatchCall,
        connectionParams,
        calls,
        path: url?.pathname,
        q: url?.search,
      });
      const name = String(req.headers["x-name"] ?? "nobody");
      if (name === "refused") throw new TRPCError({ code: "FORBIDDEN", message: "no context" });
      return { name };
    },
    onError: ({ error, path, input, type, ctx }) =>
      void received.errors.push({ code: error.code, message: error.message, path, input, type, ctx }),
    responseMeta({ ctx, errors, paths, type, data, eagerGeneration }) {
      if (ctx?.name === "plain") return {};
      if (ctx?.name === "teapot") return { status: 418 };
      if (ctx?.name === "record") return { headers: { "x-one": "1", "x-many": ["a", "b"], vary: "x" } };
      if (ctx?.name === "metaless") throw new Error("no headers");
      const headers = new Headers({ vary: "x-name" });
      for (const cookie of ["a=1", "b=2"]) headers.append("set-cookie", cookie);
      headers.set(
        "x-received",
        JSON.stringify([errors.map(({ code }) => code), paths ?? null, type, data.length, eagerGeneration]),
      );
      return { headers };
    },
    ...more,
  } satisfies CreateHTTPHandlerOptions<typeof router> & { basePath: string };
}

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.closeAllConnections();
  for (const server of servers) server.close();
});

/** The lane, the standalone adapter, and what each received, for one set of options. */
function openPair(more: Partial<CreateHTTPHandlerOptions<typeof router>> = {}) {
  const sides = [createRpcHandler, createHTTPHandler].map((create) => {
    const received: Received = { errors: [], contexts: [] };
    const server = createServer(create(optionsFor(received, more)));
    servers.push(server);
    return { received, server, ready: once(server.listen(0, "127.0.0.1"), "listening") };
  });
  return async (asked: Asked) => {
    const [lane, stock] = await Promise.all(
      sides.map(async ({ received, server, ready }) => {
        await ready;
        Object.assign(received, { errors: [], contexts: [] });
        return {
          answer: await ask((server.address() as AddressInfo).port, asked),
          received: structuredClone(received),
        };
      }),
    );
    return { lane, stock };
  };
}

type Asked = { method?: string; path: string; headers?: Record<string, string>; body?: string | Buffer };

const agent = new Agent({ keepAlive: true });
afterAll(() => agent.destroy());

async function ask(port: number, { method = "GET", path, headers = {}, body }: Asked) {
  const host = { host: "127.0.0.1" };
  const request = send({ host: "127.0.0.1", port, method, path, headers: { ...host, ...headers }, agent });
  request.end(body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  // The two differ in how they say where a body ends, and the clock goes on.
  const {
    "content-length": _,
    "transfer-encoding": __,
    connection,
    "keep-alive": ___,
    date,
    ...others
  } = response.headers;
  return { status: response.statusCode, headers: others, body: await text(response) };
}

const JSON_TYPE = { "content-type": "application/json" };
const post = (path: string, body?: string | Buffer, headers = {}): Asked => ({
  method: "POST",
  path,
  headers: { ...JSON_TYPE, ...headers },
  ...(body !== undefined && { body }),
});
const get = (path: string, headers = {}): Asked => ({ path, headers });
const encoded = (input: unknown) => encodeURIComponent(JSON.stringify(input));

const askBoth = openPair();
const same = async (asked: Asked, askThem = askBoth) => {
  const { lane, stock } = await askThem(asked);
  expect({ asked, ...lane }).toEqual({ asked, ...stock });
  return lane;
};

describe("the handler answers as the standalone adapter does", () => {
  it.each<[string, Asked]>([
    ["a query", get("/trpc/hello")],
    ["a query with input", get(`/trpc/hello?input=${encoded({ name: "ada" })}`)],
    ["a query by POST", post("/trpc/hello", '{"name":"ada"}')],
    ["a query by POST without a body", post("/trpc/hello")],
    ["a nested query", get("/trpc/deep.er.still")],
    ["a lazy query", get("/trpc/lazy.inner")],
    ["a mutation", post("/trpc/set", '{"value":1}')],
    ["a mutation that gives nothing", post("/trpc/nothing")],
    ["a mutation that reads no input", post("/trpc/unread", "{bad")],
    ["a mutation that refuses before reading its input", post("/trpc/closed", "{bad")],
    ["a mutation by GET", get("/trpc/set")],
    ["a subscription by POST", post("/trpc/ticks")],
    ["a subscription in a batch", get("/trpc/ticks,hello?batch=1")],
    ["a batch", get(`/trpc/hello,hello?batch=1&input=${encoded({ 1: { name: "ada" } })}`)],
    ["a batch by POST", post("/trpc/hello,hello?batch=1", '{"0":{"name":"ada"}}')],
    ["a batch of one", get("/trpc/hello?batch=1")],
    ["a batch that has errors in it", post("/trpc/set,set,set?batch=1", '{"1":{"value":1},"2":{"value":"1"}}')],
    ["a batch of errors of one kind", get("/trpc/broken,broken?batch=1")],
    ["a batch of two types", post("/trpc/hello,set?batch=1", "{}")],
    ["a batch with a hole", get("/trpc/hello,,hello?batch=1")],
    ["a batch with an unknown name", get("/trpc/hello,nobody?batch=1")],
    ["a batch of the most calls", get("/trpc/hello,hello,hello,hello,hello?batch=1")],
    ["a batch of one more", get("/trpc/hello,hello,hello,hello,hello,hello?batch=1")],
    ["a batch whose input is a list", post("/trpc/hello?batch=1", "[{}]")],
    ["a batch whose input is null", post("/trpc/hello?batch=1", "null")],
    ["a batch whose input is text", post("/trpc/hello?batch=1", '"text"')],
    ["a batch with the names of a prototype", post("/trpc/echo?batch=1", '{"__proto__":{"0":1},"constructor":1}')],
    ["batch=true", get("/trpc/hello,hello?batch=true")],
    ["batch twice", get("/trpc/hello,hello?batch=1&batch=0")],
    ["a comma without a batch", get("/trpc/hello,hello")],
    ["an encoded comma in a batch", get("/trpc/hello%2Chello?batch=1")],
    ["an unknown name", get("/trpc/nobody")],
    ["the name of a prototype", get("/trpc/constructor")],
    ["no name", get("/trpc/")],
    ["a slash at the end", get("/trpc/hello/")],
    ["a path above", get("/trpc/../trpc/hello")],
    ["an encoded name", get("/trpc/h%65llo")],
    ["a bad encoding", get("/trpc/%E0%A4%A")],
    ["null as input", post("/trpc/echo", "null")],
    ["false as input", post("/trpc/echo", "false")],
    ["spaces as a body", post("/trpc/echo", "  ")],
    ["bad JSON", post("/trpc/echo", "{")],
    ["bad JSON in the URL", get("/trpc/echo?input={")],
    ["an empty input in the URL", get("/trpc/echo?input=")],
    ["two inputs in the URL", get("/trpc/echo?input=1&input=2")],
    ["a plus in the URL", get('/trpc/echo?input="a+b"')],
    ["a quote in the URL", get('/trpc/echo?input="\'"')],
    ["a fragment in the URL", get('/trpc/echo?input="a"#b')],
    ["input in the URL of a POST", post("/trpc/echo?input=1", "2")],
    ["a body with a byte order mark", post("/trpc/echo", "\ufeff1")],
    ["a body that is no UTF-8", post("/trpc/echo", Buffer.from([0x22, 0xff, 0xc0, 0xe2, 0x82, 0x22]))],
    ["a body of the greatest length", post("/trpc/echo", `"${"x".repeat(1998)}"`)],
    ["a body of one byte more", post("/trpc/echo", `"${"x".repeat(1999)}"`)],
    ["a batch with a body of one byte more", post("/trpc/echo,echo?batch=1", `{"0":"${"x".repeat(1993)}"}`)],
    ["data that cannot be written", get("/trpc/unprintable", { "x-name": "plain" })],
    ["data that cannot be written, in a batch", get("/trpc/unprintable,hello?batch=1", { "x-name": "plain" })],
    ["a stream", get("/trpc/stream")],
    ["a stream in a batch", get("/trpc/stream,hello?batch=1")],
    ["a promise within data", get("/trpc/later")],
    ["a promise within data, in a batch", get("/trpc/hello,later?batch=1")],
    ["JSON lines", get("/trpc/hello?batch=1", { "trpc-accept": "application/jsonl" })],
    ["JSON lines, as a browser asks", get("/trpc/hello?batch=1", { accept: "text/html, application/jsonl" })],
    ["JSON lines without a batch", get("/trpc/hello", { "trpc-accept": "application/jsonl" })],
    ["connection parameters", get(`/trpc/hello?connectionParams=${encoded({ a: "1" })}`)],
    ["bad connection parameters", get("/trpc/hello?connectionParams=1")],
    ["JSON with parameters", post("/trpc/echo", "1", { "content-type": "Application/JSON; charset=latin1" })],
    ["a form", post("/trpc/echo", "a=1", { "content-type": "application/x-www-form-urlencoded" })],
    ["bytes", post("/trpc/shout", "1", { "content-type": "application/octet-stream" })],
    ["no content type", { method: "POST", path: "/trpc/echo", body: "1" }],
    ["a GET with a content type", get("/trpc/hello", { "content-type": "text/plain" })],
    ["a GET with a form's content type", get("/trpc/hello", { "content-type": "multipart/form-data" })],
    ...["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"].map((method): [string, Asked] => [
      method,
      { method, path: "/trpc/hello", headers: JSON_TYPE },
    ]),
    ...["a b", "a/b", "a:b:c", "[::1]:80", "a%20b", "a@b", "\u00e4"].map((host): [string, Asked] => [
      `the Host ${JSON.stringify(host)}`,
      get("/trpc/hello", { host: Buffer.from(host).toString("latin1") }),
    ]),
    ...["refused", "plain", "teapot", "record", "metaless", "unformatted"].flatMap((name): [string, Asked][] => [
      [`${name}: an answer`, get("/trpc/hello", { "x-name": name })],
      [`${name}: a failure`, get("/trpc/broken", { "x-name": name })],
      [`${name}: a batch`, post("/trpc/set,set?batch=1", '{"0":{"value":1}}', { "x-name": name })],
    ]),
    ...CODES.map((code): [string, Asked] => [code, get(`/trpc/fail?input=${encoded({ code })}`)]),
  ])("%s", async (_, asked) => {
    await same(asked);
  });

  it.each<[string, Partial<CreateHTTPHandlerOptions<typeof router>>, Asked]>([
    ["batches are not allowed", { allowBatching: false }, get("/trpc/hello,hello?batch=1")],
    ["batches are not enabled", { batching: { enabled: false } }, get("/trpc/hello,hello?batch=1")],
    ["queries may not be sent by POST", { allowMethodOverride: false }, post("/trpc/hello")],
    ["there is a middleware", { middleware: (_, response) => void response.writeHead(204).end() }, get("/trpc/hello")],
  ])("where %s", async (_, more, asked) => {
    await same(asked, openPair(more));
  });

  const method = fc.constantFrom("GET", "POST", "POST", "PUT");
  const name = fc.constantFrom(
    "hello",
    "echo",
    "set",
    "shout",
    "fail",
    "broken",
    "unread",
    "nobody",
    "ticks",
    "",
    "%65cho",
    "later",
  );
  const names = fc.array(name, { minLength: 1, maxLength: 6 }).map((all) => all.join(","));
  const value = fc.oneof(
    fc.jsonValue(),
    fc.record({ name: fc.string({ maxLength: 12 }) }),
    fc.record({ value: fc.oneof(fc.integer(), fc.double()) }),
    fc.record({ code: fc.constantFrom(...CODES) }),
  );
  const inputs = fc.oneof(
    value,
    fc.dictionary(fc.constantFrom("0", "1", "2", "5", "-1", "01", "x", "length"), value),
    fc.array(value, { maxLength: 3 }),
  );
  const spoiled = fc.tuple(inputs, fc.nat(60), fc.string({ maxLength: 3, unit: anyCharacter }));
  const body = fc.oneof(
    { weight: 4, arbitrary: inputs.map((input) => JSON.stringify(input)) },
    spoiled.map(([input, at, more]) => {
      const json = JSON.stringify(input);
      return json.slice(0, at) + more + json.slice(at + 1);
    }),
    fc.constant(undefined),
  );
  const query = fc.constantFrom("", "?batch=1", "?batch=1", "?batch=0", "?x=1&batch=1", "?batch=1&batch=2", "?");
  const header = fc.constantFrom<Record<string, string>[]>(
    {},
    {},
    {},
    JSON_TYPE,
    { "content-type": 'application/json;x=",' },
    { "content-type": "text/plain" },
    { accept: "*/*" },
    { "trpc-accept": "text/html" },
    { "x-name": "plain" },
    { "content-encoding": "gzip" },
  );

  it("for any request", async () => {
    const request = fc.record({ method, names, query, header, body });
    await fc.assert(
      fc.asyncProperty(request, async ({ method, names, query, header, body }) => {
        const inUrl =
          body === undefined ? "" : `${query === "" ? "?" : "&"}input=${encodeURIComponent(body.toWellFormed())}`;
        const isGet = method === "GET";
        const headers = isGet ? header : { ...JSON_TYPE, ...header };
        const path = `/trpc/${names}${query}${isGet ? inUrl : ""}`;
        await same({ method, path, headers, ...(!isGet && body !== undefined && { body: body.toWellFormed() }) });
      }),
      { numRuns: 500 },
    );
  }, 60_000);
});

// Each difference that is wanted, and why.
describe("the handler differs from the standalone adapter", () => {
  const raw = async (server: Server, bytes: string) => {
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.end(bytes);
    return text(socket);
  };

  it("in that a failure does not send the headers of the unsent answer", async () => {
    const { lane, stock } = await askBoth(get("/trpc/unprintable"));
    expect(lane?.answer.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
    expect(stock?.answer.headers["set-cookie"]).toEqual(["a=1", "b=2", "a=1", "b=2"]);
    expect(lane?.answer.body).toBe(stock?.answer.body);
  });

  it("in that an answer has Content-Length, which is cheaper than chunks", async () => {
    const [lane, stock] = servers;
    const bytes = "GET /trpc/hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    if (lane === undefined || stock === undefined) throw new Error("no servers");
    expect(await raw(lane, bytes)).toMatch(/\r\nContent-Length: \d+\r\n/);
    expect(await raw(stock, bytes)).toMatch(/\r\nTransfer-Encoding: chunked\r\n/);
  });

  it("in that a call ends when its client disconnects within the body", async () => {
    const received: Received = { errors: [], contexts: [] };
    const server = createServer(createRpcHandler(optionsFor(received)));
    servers.push(server);
    await once(server.listen(0, "127.0.0.1"), "listening");
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.write("POST /trpc/echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{");
    await vi.waitFor(() => expect(received.contexts).toHaveLength(1));
    socket.destroy();
    await vi.waitFor(() => expect(received.errors).toMatchObject([{ code: "CLIENT_CLOSED_REQUEST", path: "echo" }]));
  });
});
