/** Words that have broken parsers of HTTP, URLs, JSON and tokens. */
const TEXTS = [
  ..."\r\n|\n|\r|\0|\t| |\x7f|\x80|,|;|:|=|==|+|/|.|..|-|_|&|?|#|%|\"|'|\\|<|>|{|}|[|]".split("|"),
  ...["\r\n\r\n", "\r\n \r\n", "\r\n\t", "\n\n", "0\r\n\r\n", "ffffffffffffffff\r\n", "-1\r\n", "1;x=\r\n"],
  ...["%2C", "%2c", "%00", "%0d%0a", "%", "%zz", "%c0%af", "%ed%a0%80", "%25", "%2e%2e%2f", "+", "%u0041"],
  ...["\ufeff", "\ud7ff", "\u{1f600}", "\u200b", "\u202e", "\u0130", "ſ", "K", "e\u0301", "\u2028"],
  ...["\\u0000", "\\ud800", "\\udfff", "\\u005f_proto__", "\\", '\\"', "\\u00"],
  ...["__proto__", "constructor", "prototype", "toJSON", "toString", "hasOwnProperty", "then", "$ref"],
  ...['{"__proto__":{"x":1}}', '"constructor":{}', '"__proto__":null,', '{"toJSON":1}', '{"a":1,"a":2}', '{"a":'],
  ...["null", "true", "[]", "{}", '""', "NaN", "undefined", "[".repeat(64), '{"a":'.repeat(20)],
  ...["0", "-0", "-1", "1e999", "-1e999", "1e308", "1E400", "9007199254740993", "0x10", "00", "1.5", "1e-7"],
  ...["4294967296", "2147483648", "99999999999999999999", "1795540245000"],
  ...["A", "AA", "AAA", "AAAA", "A=", "A==", "-_", "_w", "_x", "eyJhbGciOiJub25lIn0", "e30", "e30.e30.AA"],
  ...["alg", "none", "HS256", "ES256", "RS256", "kid", "jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "cty", "typ"],
  ...["at+jwt", "JWT", "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "sid", "cnf", "act"],
  ...["GET ", "HEAD ", "POST ", "OPTIONS ", "PUT ", "CONNECT ", "TRACE ", " HTTP/1.1\r\n", " HTTP/1.0\r\n", "HTTP/2.0"],
  ...["Host: evil.example\r\n", "Host: \r\n", "Content-Length: 0\r\n", "Content-Length: 10\r\n"],
  ...["Content-Length: -1\r\n"],
  ...["Content-Length: 99999999999\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip, chunked\r\n"],
  ...["Transfer-Encoding : chunked\r\n", "Content-Type: application/json\r\n", "Content-Type: text/plain\r\n"],
  ...[
    "Expect: 100-continue\r\n",
    "Expect: x\r\n",
    "Upgrade: websocket\r\nConnection: Upgrade\r\n",
    "Connection: close\r\n",
  ],
  ...["trpc-accept: application/jsonl\r\n", "Accept: text/event-stream\r\n", "__proto__: x\r\n", "Origin: null\r\n"],
  ...["Authorization: Bearer x\r\n", "Authorization: Basic Og==\r\n", "Authorization: Basic eDp5\r\n", ": x\r\n"],
  ...["/trpc/", "/trpc", "//", "/../", "/./", "/docs/", "/docs/../", "/.well-known/jwks.json", "?batch=1", "&batch=1"],
  ...["?input=", "&input={}", "&connectionParams={}", "?lastEventId=x", "#", "http://evil.example/", "*", "getToken"],
  ...["verifyToken", "events", "refreshToken", "clients.create", "keys.rotate", "audit.list", ".json", "%00.html"],
  ...["event: return\n", "event: serialized-error\n", "data: ", "id: ", "\n\n", "retry: 0\n", ": ping\n"],
  ...['"reset":true', '"more":true', '"sequence":-1', '"epoch":""', '"keys":[]', '"tokens":[]', '"until":1e999'],
];

/** The words, and bytes that are not UTF-8: overlong forms, lone continuations, an encoded surrogate. */
export const dictionary: readonly Buffer[] = [
  ...TEXTS.map((text) => Buffer.from(text)),
  ...["c0af", "ff", "fe", "80", "eda080", "f8888080", "e282", "00", "efbbbf", "fffe"].map((hex) =>
    Buffer.from(hex, "hex"),
  ),
];
