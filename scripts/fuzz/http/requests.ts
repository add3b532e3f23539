import fc from "fast-check";

/** Requests, with marks in them (see `openPool`); sent over one connection, from one of many addresses of this machine. */
export type Conversation = {
  requests: Buffer[];
  from: number;
  /** Whether each request is one for everybody who reads it, so that each has one answer. */
  isFramed: boolean;
};

const hostileText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom(
    "",
    "\0",
    "a\r\nb",
    "\ud800",
    "x".repeat(255),
    "x".repeat(256),
    "__proto__",
    "../..",
    "' or 1=1--",
    "%2C",
    "日本",
  ),
);
/** Secrets in places where they do not belong, among other things. */
const odd: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  fc.constantFrom("@T0@", "@R0@", "@F0@"),
  fc.constantFrom<unknown>(null, true, -1, 0, 1.5, 2 ** 53, [], {}, [[]], { __proto__: 1 }),
  fc.jsonValue({ maxDepth: 2, stringUnit: "binary" }),
);
const orOdd = (usual: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 14, arbitrary: usual }, { weight: 1, arbitrary: odd });
const maybe = (usual: fc.Arbitrary<unknown>) => fc.option(orOdd(usual), { nil: undefined, freq: 2 });

const numbered = (kind: string, most: number) => fc.nat(most).map((number) => `@${kind}${number}@`);
const anyToken = fc.oneof(numbered("T", 9), numbered("F", 199), numbered("R", 9), hostileText);
const scopes = fc.constantFrom("a", "a b", "b", "orders:read", "@T1@", "*");
const names = fc.constantFrom("ada", "local", "orders", "http://127.0.0.1:3000", "x.y");

const getToken = fc.record({
  subject: maybe(names),
  audience: maybe(names),
  scope: maybe(scopes),
  expiresIn: maybe(fc.constantFrom(1, 60, 86400, 86401)),
  refreshable: maybe(fc.boolean()),
  claims: maybe(
    fc.dictionary(
      fc.oneof(fc.constantFrom("role", "sub", "cnf", "toJSON", "constructor"), hostileText),
      fc.jsonValue({ maxDepth: 4 }),
      { maxKeys: 3 },
    ),
  ),
});

/** The inputs of each procedure, and how often it is called. Those that change keys are called seldom: every key stays. */
const inputs: readonly (readonly [name: string, weight: number, input: fc.Arbitrary<unknown>])[] = [
  ["getToken", 8, getToken],
  ["verifyToken", 24, fc.record({ token: orOdd(anyToken), audience: maybe(names), scope: maybe(scopes) })],
  ["introspectToken", 8, fc.record({ token: orOdd(anyToken) })],
  ["refreshToken", 4, fc.record({ refreshToken: orOdd(anyToken), scope: maybe(scopes) })],
  ["revokeToken", 2, fc.record({ token: orOdd(anyToken) })],
  [
    "revoke",
    2,
    fc.record({
      subject: maybe(fc.constantFrom("ada", "x.y")),
      clientId: maybe(fc.constant("nobody")),
      keyId: maybe(fc.constant("nokey")),
    }),
  ],
  ["keys.list", 2, fc.constant(undefined)],
  ["keys.rotate", 1, orOdd(fc.constant({ immediate: "no" }))],
  [
    "clients.create",
    2,
    fc.record({
      name: orOdd(names),
      permissions: orOdd(fc.constant(["issue"])),
      scopes: maybe(fc.constant(["a"])),
      extra: maybe(fc.constant(1)),
      maxTtl: maybe(fc.constant(9)),
    }),
  ],
  ["clients.rotateSecret", 2, fc.record({ clientId: orOdd(names), overlap: maybe(fc.nat()) })],
  ["clients.remove", 2, fc.record({ clientId: orOdd(names) })],
  [
    "audit.list",
    2,
    fc.record({
      limit: maybe(fc.constantFrom(1, 5)),
      clientId: maybe(names),
      before: maybe(fc.stringMatching(/^\w{1,64}$/)),
      action: maybe(names),
    }),
  ],
  ["clients.list", 1, fc.constant(undefined)],
  ["nothing", 1, odd],
  ["__proto__", 1, odd],
  ["toString", 1, odd],
];
const calls = fc.oneof(
  ...inputs.map(([name, weight, input]) => ({ weight, arbitrary: orOdd(input).map((value) => ({ name, value })) })),
);

const header = (name: string, values: readonly string[], weight = 1) =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constant("") },
    { weight, arbitrary: fc.constantFrom(...values).map((value) => `${name}: ${value}\r\n`) },
  );

const headers = fc
  .tuple(
    header(
      "Authorization",
      [
        "@A0@",
        "@A1@",
        "@A1@",
        "Basic Og==",
        "Basic eDp5",
        "Basic eDp@S0@",
        "Bearer @T0@",
        "Basic",
        "Digest x",
        "Basic @S0@",
        "@A0@\r\nAuthorization: @A1@",
      ],
      6,
    ),
    header("Accept", ["*/*", "application/jsonl", "text/event-stream", "\x80"]),
    header("trpc-accept", ["application/jsonl", "application/json", "x"]),
    header("Origin", ["http://127.0.0.1", "null", "http://evil.example", "http://[", "@T0@"]),
    header("Sec-Fetch-Site", ["same-origin", "cross-site", "none"]),
    header("If-None-Match", ["*", '"x"', "W/,,,"]),
    header("Expect", ["100-continue", "x"]),
    header("X-Forwarded-For", ["1.2.3.4", "@S0@"]),
    header("Upgrade", ["websocket\r\nConnection: Upgrade", "h2c"]),
    header("__proto__", ["x"]),
    header("Cookie", ["a=b", "x".repeat(4000)]),
  )
  .map((lines) => lines.join(""));
const hosts = fc.oneof(
  { weight: 30, arbitrary: fc.constant("127.0.0.1") },
  fc.constantFrom("localhost:3000", "[::1]", "evil.example", "", "127.0.0.1:99999", "a b", "@S0@"),
);
const types = fc.oneof(
  { weight: 20, arbitrary: fc.constant("application/json") },
  fc.constantFrom(
    "Application/JSON; charset=utf-8",
    "text/plain",
    "application/octet-stream",
    "multipart/form-data; boundary=x",
    "",
    "application/json;",
  ),
);

const json = (value: unknown) => JSON.stringify(value) ?? "";
/** A piece of a query: what may stand there as it is, and all else in percent-encoding. Marks stay what they are. */
const inQuery = (text: string) => encodeURIComponent(text.toWellFormed()).replaceAll("%40", "@");

type Head = { method: string; target: string; host: string; more: string };
const write = ({ method, target, host, more }: Head, body: string) =>
  Buffer.from(`${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n${body}`);

const singles = fc
  .record({ call: calls, host: hosts, more: headers, type: types, isGet: fc.nat(9), isChunked: fc.nat(14) })
  .map(({ call: { name, value }, host, more, type, isGet, isChunked }) =>
    isGet <= 1
      ? write(
          {
            method: "GET",
            target: `/trpc/${name}${value === undefined ? "" : `?input=${inQuery(json(value))}`}`,
            host,
            more,
          },
          "",
        )
      : write(
          {
            method: "POST",
            target: `/trpc/${name}`,
            host,
            more: `${more}Content-Type: ${type}\r\n${isChunked ? "Content-Length: @L@" : "Transfer-Encoding: @K@"}\r\n`,
          },
          json(value),
        ),
  );

const batches = fc
  .record({
    calls: fc.array(calls, { minLength: 1, maxLength: 12 }),
    times: fc.nat(60),
    host: hosts,
    more: headers,
    isGet: fc.nat(5),
    comma: fc.constantFrom(",", ",", "%2C"),
  })
  .map(({ calls, times, host, more, isGet, comma }) => {
    const all =
      times === 60
        ? Array.from({ length: 51 }, () => calls)
            .flat()
            .slice(0, 51)
        : calls;
    const names = all.map(({ name }) => name).join(comma);
    const input = json(Object.fromEntries(all.map(({ value }, at) => [at, value])));
    const target = `/trpc/${names}?batch=1`;
    if (isGet === 0)
      return write({ method: "GET", target: `${target}&input=${inQuery(input)}`.slice(0, 9000), host, more }, "");
    return write(
      { method: "POST", target, host, more: `${more}Content-Type: application/json\r\nContent-Length: @L@\r\n` },
      input,
    );
  });

const paths =
  "/ /start.js /healthz /readyz /openapi.json /docs /docs/ /docs/swagger-ui.css /docs/start.js /docs/NOTICE /.well-known/jwks.json /docs/../main.js //trpc/getToken /trpc /trpc/ /trpc/events /trpc/events?input=x /trpc/events?input=%7B%22after%22%3A1%7D /trpc/events?lastEventId=x * http://127.0.0.1/trpc/getToken /%00 /?input=@T0@ /trpc/getToken?input=%7B%22subject%22%3A%22@R0@%22%7D /trpc/getToken?input=% /trpc/%67etToken /trpc/getToken?connectionParams=%7B /trpc/getToken%2CgetToken?batch=1".split(
    " ",
  );
const methods = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom("GET", "HEAD") },
  fc.constantFrom("OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "POST", "M-SEARCH", "PROPFIND"),
);
const documents = fc
  .record({ method: methods, target: fc.constantFrom(...paths), host: hosts, more: headers })
  .map((head) => write(head, ""));

const requests = fc.oneof(
  { weight: 16, arbitrary: singles },
  { weight: 3, arbitrary: batches },
  { weight: 3, arbitrary: documents },
);

/** Well-formed requests with hostile contents, many on a connection. */
export const conversations: fc.Arbitrary<Conversation> = fc
  .tuple(fc.array(requests, { minLength: 8, maxLength: 24, size: "max" }), fc.nat(249))
  .map(([requests, from]) => ({ requests, from, isFramed: true }));
