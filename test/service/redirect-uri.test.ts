import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { calledUrlFault, redirectUriFault } from "../../src/service/clients/redirect-uri.ts";
import { anyCharacter } from "../support/any-character.ts";

const VALID = [
  "https://app.example",
  "https://app.example/",
  "https://app.example/callback",
  "https://app.example:8443/callback?tenant=a%20b",
  "https://xn--bcher-kva.example/callback",
  "https://192.0.2.1/callback",
  "http://127.0.0.1/callback",
  "http://127.0.0.1:4321/callback",
  "http://[::1]/callback",
  "http://localhost/callback",
  "com.example.app:/callback",
  "com.example.app://callback",
];

/** Spellings that some parsers read as another URI, by what they play on. */
const AMBIGUOUS: [what: string, uri: string][] = [
  ["a user name", "https://app.example@evil.example/callback"],
  ["a user name and password", "https://app.example:443@evil.example/callback"],
  ["an encoded user name", "https://app.example%40evil.example/callback"],
  ["a user name in a private scheme", "com.example.app://https@evil.example"],
  ["an @ in the path", "https://evil.example/@app.example/callback"],
  ["a backslash", "https://app.example\\@evil.example/callback"],
  ["a backslash as a slash", "https://app.example\\callback"],
  ["a wildcard host", "https://*.example/callback"],
  ["a wildcard path", "https://app.example/*"],
  ["a wildcard port", "http://127.0.0.1:*/callback"],
  ["a fragment", "https://app.example/callback#part"],
  ["an empty fragment", "https://app.example/callback#"],
  ["an encoded fragment in the host", "https://app.example%23.evil.example/callback"],
  ["capital letters of a host", "https://APP.example/callback"],
  ["capital letters of a scheme", "HTTPS://app.example/callback"],
  ["capital letters of a private scheme", "COM.example.app:/callback"],
  ["the default port", "https://app.example:443/callback"],
  ["an empty port", "https://app.example:/callback"],
  ["leading zeros of a port", "https://app.example:08443/callback"],
  ["one slash", "https:/app.example/callback"],
  ["no slash", "https:app.example/callback"],
  ["three slashes", "https:///app.example/callback"],
  ["no scheme", "//app.example/callback"],
  ["a path alone", "/callback"],
  ["segments that go up", "https://app.example/callback/../evil"],
  ["encoded segments that go up", "https://app.example/callback/%2e%2e/evil"],
  ["segments that go up in a private scheme", "com.example.app:/a/../b"],
  ["a tab in the scheme", "ht\ttps://app.example/callback"],
  ["a line break", "https://app.example/callback\r\nLocation: https://evil.example"],
  ["an encoded line break", "https://app.example/callback%0d%0aLocation:%20https://evil.example"],
  ["an encoded null", "https://app.example/callback%00.evil.example"],
  ["an incomplete encoding", "https://app.example/callback%2"],
  ["a leading space", " https://app.example/callback"],
  ["a space", "https://app.example/call back"],
  ["a full-width letter", "https://\uFF41pp.example/callback"],
  ["a Cyrillic letter", "https://\u0430pp.example/callback"],
  ["a full stop of another script", "https://app\u3002example/callback"],
  ["a direction mark", "https://app.example/\u202Ekcabllac"],
  ["quotes", 'https://app.example/"onload="'],
  ["a tag", "https://app.example/<script>"],
  ["a query without a path", "https://app.example?tenant=a"],
  ["nothing", ""],
  ["2,001 characters", `https://app.example/${"a".repeat(1981)}`],
];

const NOT_LOOPBACK = [
  "http://app.example/callback",
  "http://127.0.0.1.evil.example/callback",
  "http://localhost.evil.example/callback",
  "http://127.1/callback",
  "http://127.0.0.2/callback",
  "http://2130706433/callback",
  "http://0x7f.0.0.1/callback",
  "http://0/callback",
  "http://0.0.0.0/callback",
  "http://[::]/callback",
  "http://[::ffff:127.0.0.1]/callback",
  "http://[0:0:0:0:0:0:0:1]/callback",
  "http://LOCALHOST/callback",
  "http://localhost./callback",
  "http://192.168.0.1/callback",
];

const SCHEMES = [
  "javascript:alert(1)",
  "JavaScript:alert(1)",
  "java\nscript:alert(1)",
  "javascript://app.example/%0aalert(1)",
  "data:text/html,x",
  "data:,",
  "vbscript:msgbox(1)",
  "blob:https://app.example/1",
  "file:///etc/passwd",
  "filesystem:https://app.example/temporary/x",
  "about:blank",
  "view-source:https://app.example/",
  "ws://app.example/",
  "wss://app.example/",
  "ftp://app.example/",
  "mailto:ada@app.example",
  "myapp:/callback",
  "urn:ietf:wg:oauth:2.0:oob",
];

const RESPONSE_PARAMETERS = ["code", "state", "iss", "error", "error_description", "error_uri", "id_token", "response"];

describe("redirectUriFault", () => {
  it.each(VALID)("accepts %s", (uri) => {
    expect(redirectUriFault(uri)).toBeUndefined();
  });

  it.each(AMBIGUOUS)("P2: refuses %s", (_, uri) => {
    expect(redirectUriFault(uri)).toMatch(/^must /);
  });

  it.each(NOT_LOOPBACK)("P3: %s is not loopback as it is written everywhere", (uri) => {
    expect(redirectUriFault(uri)).toMatch(/^must /);
  });

  it.each(SCHEMES)("P4: refuses %j", (uri) => {
    expect(redirectUriFault(uri)).toMatch(/^must /);
  });

  it.each(RESPONSE_PARAMETERS)("P5: refuses a URI that brings its own %s", (name) => {
    const [first = "", ...rest] = name;
    const encoded = `%${first.charCodeAt(0).toString(16)}${rest.join("")}`;
    for (const spelling of [name, encoded, name.toUpperCase()])
      for (const uri of ["https://app.example/callback", "http://127.0.0.1/callback", "com.example.app:/callback"])
        for (const query of [`${spelling}=x`, `a=b&${spelling}`])
          expect(redirectUriFault(`${uri}?${query}`)).toBe(`must not have the parameter ${name} of a response`);
  });

  it("accepts only text that the URL parser returns unchanged, with or without the slash of an empty path", () => {
    const parts = fc.constantFrom(
      ...["https", "http", ":", "/", "//", "\\", "@", "#", "?", "&", "=", ".", "..", "%2e", "%2f", "%", "*", " ", "\t"],
      ...["app.example", "evil.example", "127.0.0.1", "localhost", "[::1]", ":443", ":80", "com.example.app", "CODE"],
      ...["code", "\u00E9", "\u3002", "\0", "a", "Z", "0"],
    );
    const texts = fc.oneof(
      fc.array(parts, { maxLength: 12 }).map((list) => list.join("")),
      fc.array(parts, { maxLength: 8 }).map((list) => `https://app.example${list.join("")}`),
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      fc.string({ unit: anyCharacter }),
    );
    fc.assert(
      fc.property(texts, (uri) => {
        if (redirectUriFault(uri) !== undefined) return;
        const url = new URL(uri);
        expect([url.href, url.origin]).toContain(uri);
        expect([url.username, url.password, url.hash]).toEqual(["", "", ""]);
        expect(url.protocol).toMatch(/^(?:https?|[a-z0-9+-]+(?:\.[a-z0-9+-]+)+):$/);
        if (url.protocol === "http:") expect(["127.0.0.1", "[::1]", "localhost"]).toContain(url.hostname);
      }),
      { numRuns: 5000 },
    );
  });
});

describe("calledUrlFault", () => {
  const closed = { isOpen: false };

  it("accepts https URLs; http on loopback only where access is open", () => {
    for (const uri of ["https://ci.example/jwks.json", "https://ci.example:8443/keys?code=1"])
      expect(calledUrlFault(uri, closed)).toBeUndefined();
    for (const uri of ["http://127.0.0.1:4321/jwks.json", "http://[::1]/jwks.json", "http://localhost/jwks.json"]) {
      expect(calledUrlFault(uri, closed)).toBe("must be an https URL");
      expect(calledUrlFault(uri, { isOpen: true })).toBeUndefined();
    }
  });

  const invalid = [
    ...AMBIGUOUS,
    ...[...NOT_LOOPBACK, ...SCHEMES, "a:b", "x:", "com.example.app:/x"].map((uri) => [uri, uri] as const),
  ];
  it.each(invalid)("P26: refuses %j, also where access is open", (_, uri) => {
    for (const isOpen of [false, true]) expect(calledUrlFault(uri, { isOpen })).toMatch(/^must /);
  });
});
