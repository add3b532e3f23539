import fc from "fast-check";
import { anyCharacter } from "../../support/any-character.ts";
import { calls } from "./calls.ts";
import { browserRequests } from "./people-requests.ts";
import { header, inQuery, write } from "./write.ts";

/** Requests with marks (see `openPool`), for one connection from one of many addresses of this machine. */
export type Conversation = {
  requests: Buffer[];
  from: number;
  /** Whether every reader sees the same requests, so that each has one answer. */
  isFramed: boolean;
};

const headers = fc
  .tuple(
    header(
      "Authorization",
      [
        ...["@A0@", "@A1@", "@A1@", "Basic Og==", "Basic eDp5", "Basic eDp@S0@", "Bearer @T0@", "Basic", "Digest x"],
        ...["Basic @S0@", "@A0@\r\nAuthorization: @A1@"],
      ],
      6,
    ),
    header("Accept", ["*/*", "application/jsonl", "text/event-stream", "application/token-introspection+jwt", "\x80"]),
    header("trpc-accept", ["application/jsonl", "application/json", "x"]),
    header("Origin", ["http://127.0.0.1", "null", "http://evil.example", "http://evil.ex😀ample", "http://[", "@T0@"]),
    header("Sec-Fetch-Site", ["same-origin", "cross-site", "none"]),
    header("If-None-Match", ["*", '"x"', "W/,,,"]),
    header("Expect", ["100-continue", "100-continue", "100-continue", "x"]),
    header("X-Forwarded-For", ["127.0.0.1", "127.0.0.1", "1.2.3.4", "@S0@"]),
    header("Upgrade", ["websocket\r\nConnection: Upgrade", "h2c"]),
    header("__proto__", ["x"]),
    header("Cookie", ["a=b", "x".repeat(4000)]),
  )
  .map((lines) => lines.join(""));
const hosts = fc.oneof(
  { weight: 60, arbitrary: fc.constant("127.0.0.1") },
  fc.constantFrom("localhost:3000", "[::1]", "evil.example", "", "127.0.0.1:99999", "a b", "@S0@"),
);
const types = fc.oneof(
  { weight: 20, arbitrary: fc.constant("application/json") },
  fc.constantFrom(
    ...["Application/JSON; charset=utf-8", "text/plain", "application/octet-stream", "multipart/form-data; boundary=x"],
    ...["", "application/json;"],
  ),
);

const json = (value: unknown) => JSON.stringify(value) ?? "";
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

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const anyParameter = fc
  .tuple(
    fc.constantFrom(
      ..."grant_type scope resource refresh_token token token_type_hint client_id client_secret".split(" "),
      ..."client_assertion client_assertion_type __proto__ % %FF".split(" "),
      ..."redirect_uri response_type response_mode state code_challenge code_challenge_method prompt max_age".split(
        " ",
      ),
      ..."handle decision subject claims access_token id_token_hint user_code code code_verifier device_code".split(
        " ",
      ),
    ),
    fc.oneof(
      fc.constantFrom(
        ..."client_credentials refresh_token @T0@ @T1@ @R0@ @F0@ @S0@ @C0@ a orders local %00 %FF %".split(" "),
        ..."authorization_code code S256 none login openid 0 allow {} []".split(" "),
      ),
      fc.string({ unit: anyCharacter, maxLength: 20 }).map(inQuery),
    ),
  )
  .map((pair) => pair.join("="));
/** Parameters that are right together. */
const rightParameters = fc.oneof(
  fc.constantFrom("grant_type=client_credentials", "client_id=@C2@&client_secret=@S2@", "scope=a"),
  fc.nat(9).map((number) => `grant_type=refresh_token&refresh_token=@R${number}@`),
  fc.nat(9).map((number) => `token=@T${number}@`),
  fc.nat(199).map((number) => `token=@F${number}@`),
  fc
    .nat(199)
    .map((number) => `client_id=@C0@&client_assertion=@F${number}@&client_assertion_type=${inQuery(ASSERTION_TYPE)}`),
);
const parameters = fc.oneof({ weight: 2, arbitrary: anyParameter }, { weight: 3, arbitrary: rightParameters });
const forms = fc
  .record({
    endpoint: fc.constantFrom(
      ..."oauth/token oauth/token oauth/introspect oauth/revoke oauth/authorize oauth/continue oauth/userinfo".split(
        " ",
      ),
      ..."oauth/logout oauth/device device".split(" "),
    ),
    parameters: fc.array(parameters, { maxLength: 4 }),
    query: fc.oneof(
      { weight: 12, arbitrary: fc.constant("") },
      fc.constantFrom("?", "?token=@T0@", "?client_secret=x"),
    ),
    host: hosts,
    more: headers,
    type: fc.oneof({ weight: 12, arbitrary: fc.constant("application/x-www-form-urlencoded") }, types),
    length: fc.constantFrom("Content-Length: @L@", "Content-Length: @L@", "Transfer-Encoding: @K@"),
  })
  .map(({ endpoint, parameters, query, host, more, type, length }) =>
    write(
      {
        method: "POST",
        target: `/${endpoint}${query}`,
        host,
        more: `${more}Content-Type: ${type}\r\n${length}\r\n`,
      },
      parameters.join("&"),
    ),
  );

const paths =
  "/ /start.css /start.js /healthz /readyz /openapi.json /docs /docs/ /docs/swagger-ui.css /docs/start.js /docs/docs.css /docs/NOTICE /.well-known/jwks.json /.well-known/oauth-authorization-server /oauth/token /oauth/introspect //oauth/token /oauth/userinfo /oauth/userinfo?access_token=@T0@ /.well-known/openid-configuration /oauth/authorize /oauth/authorize?client_id=@C0@&redirect_uri=@T0@ /oauth/authorize?client_id=@C0@&client_id=@C0@ /oauth/authorize?client_id=%FF /oauth/continue?handle=@S0@ /oauth/continue?handle=%00 /oauth/callback?state=@S0@ /oauth/logout?id_token_hint=@T0@&post_logout_redirect_uri=@F0@ /device?user_code=@S0@ /verify /verify?audience=x&audience=@T0@&scope=a /verify?scope=%FF&x /docs/../main.js //trpc/getToken /trpc /trpc/ /trpc/events /trpc/events?input=x /trpc/events?input=%7B%22after%22%3A1%7D /trpc/events?lastEventId=x * http://127.0.0.1/trpc/getToken http://evil.example/trpc/getToken https://localhost/healthz?x http://@T0@@127.0.0.1/docs ftp://127.0.0.1/ http:// /%00 /?input=@T0@ /trpc/getToken?input=%7B%22subject%22%3A%22@R0@%22%7D /trpc/getToken?input=% /trpc/%67etToken /trpc/getToken?connectionParams=%7B /trpc/getToken%2CgetToken?batch=1".split(
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
  { weight: 8, arbitrary: browserRequests },
  { weight: 16, arbitrary: singles },
  { weight: 3, arbitrary: batches },
  { weight: 3, arbitrary: documents },
  { weight: 4, arbitrary: forms },
);

/**
 * Requests after which nothing is answered: a feed does not end, and Node drops what follows a declined upgrade in the same
 * segment.
 */
const LAST = /\/trpc\/events|^Upgrade:/im;

function untilLast(requests: readonly Buffer[]): Buffer[] {
  const last = requests.findIndex((request) => LAST.test(request.toString("latin1")));
  return requests.slice(0, last < 0 ? requests.length : last + 1);
}

/** Well-formed requests with hostile contents, many on a connection. */
export const conversations: fc.Arbitrary<Conversation> = fc
  .tuple(fc.array(requests, { minLength: 8, maxLength: 24, size: "max" }), fc.nat(249))
  .map(([requests, from]) => ({ requests: untilLast(requests), from, isFramed: true }));
