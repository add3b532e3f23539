import fc from "fast-check";
import { anyCharacter } from "../../support/any-character.ts";
import { CHALLENGE, VERIFIER } from "../../support/people.ts";
import { BYE, REDIRECT_URI, REDIRECT_URIS } from "./people.ts";
import { inQuery, write } from "./write.ts";

const mark = (kind: string, most = 5) => fc.nat(most).map((number) => `@${kind}${number}@`);

/** URIs that some parser takes for a registered one. */
const SIMILAR_URIS = [
  ...["https://shop.example/callback/", "https://shop.example/callback#x", "https://shop.example/callback?x=1"],
  ...[
    "https://shop.example@evil.example/callback",
    "https://evil.example/callback",
    "//evil.example",
    "/\\evil.example",
  ],
  ...["https://shop.example.evil.example/callback", "https://SHOP.example/callback", "https://shop.example/Callback"],
  ...[
    "https://shop.example\\@evil.example/callback",
    "https://shop.example/callback\r\nX-Evil: 1",
    "javascript:alert(1)",
  ],
  ...["http://127.0.0.1:49152/callback", "http://127.0.0.1:0/callback", "http://127.0.0.1.evil.example/callback"],
  ...["http://evil@127.0.0.1:8/callback", "http://127.0.0.1:8@evil.example/callback", "http://localhost/callback"],
  ...["com.example.app:/callback/../x", "com.example.app://callback", "data:text/html,x", "https://shop.example/bye?x"],
];
const uris = fc.oneof(
  { weight: 8, arbitrary: fc.constant(REDIRECT_URI) },
  { weight: 4, arbitrary: fc.constantFrom(...REDIRECT_URIS, BYE) },
  { weight: 2, arbitrary: fc.constantFrom(...SIMILAR_URIS) },
);
const texts = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom("xyz", "n-0S6_WzA2Mj", "a b", '"><script>alert(1)</script>', "&code=x&iss=y"),
  },
  fc.constantFrom("", "x".repeat(2001), "\0", "a\r\nLocation: https://evil.example", "日本", "\ud800", "%", "+"),
  fc.string({ unit: anyCharacter, maxLength: 30 }),
);
const clients = mark("W", 2);
const or = (usual: fc.Arbitrary<string>, weight = 16) =>
  fc.oneof({ weight, arbitrary: usual }, texts, fc.constant("@T0@"));
const maybe = (usual: fc.Arbitrary<string>) => fc.option(or(usual, 6), { nil: undefined, freq: 2 });

/** The parameters that each endpoint reads, so that most requests get past the first check. */
const forms = {
  "/oauth/authorize": fc.record({
    client_id: or(clients),
    redirect_uri: or(uris),
    response_type: or(fc.constant("code"), 40),
    code_challenge: or(fc.constant(CHALLENGE), 40),
    code_challenge_method: or(fc.constant("S256"), 40),
    state: maybe(texts),
    nonce: maybe(texts),
    scope: maybe(fc.constantFrom("openid", "openid a", "a b", "openid profile email offline_access", "c", "openid  a")),
    resource: maybe(fc.constantFrom("http://127.0.0.1:3000", "https://evil.example", "orders")),
    prompt: maybe(fc.constantFrom("none", "login", "consent", "select_account", "none login", "login consent")),
    max_age: maybe(fc.constantFrom("0", "60", "999999999", "-1", "1e3")),
    login_hint: maybe(texts),
    response_mode: maybe(fc.constantFrom("query", "form_post", "fragment")),
    request: fc.oneof({ weight: 30, arbitrary: fc.constant(undefined) }, texts),
  }),
  "/oauth/continue": fc.record({
    handle: or(mark("H", 9)),
    token: maybe(mark("X", 9)),
    decision: maybe(fc.constantFrom("allow", "deny", "switch", "Allow")),
    subject: maybe(fc.constantFrom("ada", "grace")),
    claims: maybe(fc.constantFrom("{}", "[]", '{"role":1}', '{"sub":"x"}', '{"__proto__":{}}')),
  }),
  "/oauth/callback": fc.record({ state: or(mark("H", 9)), code: maybe(texts), error: maybe(texts) }),
  "/oauth/logout": fc.record({
    id_token_hint: maybe(fc.oneof(mark("I"), mark("F", 199))),
    client_id: maybe(clients),
    post_logout_redirect_uri: maybe(fc.oneof(fc.constant(BYE), uris)),
    state: maybe(texts),
    logout_hint: maybe(texts),
    token: maybe(mark("X", 9)),
    repeated: maybe(fc.constant("1")),
  }),
  "/device": fc.record({ user_code: or(mark("U")), token: maybe(mark("X", 9)) }),
  "/oauth/device": fc.record({ client_id: or(clients), scope: maybe(fc.constantFrom("openid", "a b", "c")) }),
  "/oauth/userinfo": fc.record({ access_token: maybe(fc.oneof(mark("P"), mark("T", 5), mark("F", 199))) }),
  "/oauth/token": fc.record({
    grant_type: fc.constantFrom("authorization_code", "urn:ietf:params:oauth:grant-type:device_code"),
    code: maybe(mark("O")),
    device_code: maybe(mark("D")),
    client_id: or(clients),
    redirect_uri: or(uris),
    code_verifier: or(fc.constantFrom(VERIFIER, VERIFIER, "x".repeat(43))),
  }),
} as const satisfies Record<string, fc.Arbitrary<Record<string, string | undefined>>>;

const queryOf = (fields: Record<string, string | undefined>) =>
  Object.entries(fields)
    .flatMap(([name, value]) => (value === undefined ? [] : `${name}=${inQuery(value)}`))
    .join("&");

/** Queries of authorization requests, with marks of clients. */
export const authorizeQueries = forms["/oauth/authorize"].map(queryOf);

const [session, key] = ["mintmark-session-3000", "mintmark-key-3000"];
const cookies = fc.oneof(
  { weight: 10, arbitrary: fc.nat(1).map((at) => `Cookie: ${session}=@Q${at}@; ${key}=@B${at}@\r\n`) },
  { weight: 2, arbitrary: fc.constant(`Cookie: ${session}=@Q0@; ${key}=@B1@\r\n`) },
  { weight: 2, arbitrary: fc.constant(`Cookie: ${key}=@B0@\r\n`) },
  { weight: 3, arbitrary: fc.constant("") },
  fc
    .constantFrom(
      ...[
        `${session}=@Q0@; ${session}=@Q1@`,
        `${session}=`,
        `${key}=@B0@;;;=;`,
        `__Host-${session}=@Q0@`,
        `${session}`,
      ],
      ...[
        `a=b; ${session}="@Q0@"`,
        `${key}=@B0@; ${key}=@B0@`,
        `${session}=@H0@; ${key}=@X0@`,
        "=",
        "\xff=\xfe",
        ";".repeat(2000),
      ],
    )
    .map((value) => `Cookie: ${value}\r\n`),
);
const origins = fc.oneof(
  { weight: 8, arbitrary: fc.constant("Origin: http://127.0.0.1:3000\r\nSec-Fetch-Site: same-origin\r\n") },
  fc.constantFrom("", "Origin: null\r\n", "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n"),
);
const others = fc.oneof(
  { weight: 12, arbitrary: fc.constant("") },
  fc.constantFrom(
    ...["Authorization: Bearer @P0@\r\n", "Authorization: Bearer @T0@\r\n", "Authorization: @A1@\r\n"],
    ...["Accept-Language: de\r\n", "Accept-Language: \xe9;q=x, ,\r\n", "X-Forwarded-Proto: https\r\n"],
  ),
);
const extra = fc.oneof(
  { weight: 20, arbitrary: fc.constant("") },
  fc.constantFrom(
    "client_id=@W0@",
    "state=x&state=y",
    "%",
    "resource=a&resource=a",
    "__proto__=x",
    "=".repeat(80),
    "a=%FF",
  ),
);

/** Requests of browsers, of which most are right but for one part. */
export const browserRequests: fc.Arbitrary<Buffer> = fc.oneof(
  ...Object.entries(forms).map(([path, form]) => ({
    weight: path === "/oauth/authorize" || path === "/oauth/continue" ? 4 : 2,
    arbitrary: fc
      .tuple(form as fc.Arbitrary<Record<string, string | undefined>>, cookies, origins, others, extra, fc.nat(4))
      .map(([fields, cookie, origin, other, more, isPost]) => {
        const parameters = [queryOf(fields), more].filter((text) => text !== "").join("&");
        const isForm = isPost > 1 || path === "/oauth/token" || path === "/oauth/device";
        const head = { host: "127.0.0.1:3000", more: cookie + origin + other };
        if (!isForm) return write({ ...head, method: "GET", target: `${path}?${parameters}` }, "");
        const type = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: @L@\r\n";
        return write({ ...head, method: "POST", target: path, more: head.more + type }, parameters);
      }),
  })),
);
