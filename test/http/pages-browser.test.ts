import { describe, expect, it } from "vitest";
import { alter, decode, pasted } from "../../src/http/pages/browser/decoded.ts";
import { createEventLines, readEvents } from "../../src/http/pages/browser/events.ts";
import { hintsFor } from "../../src/http/pages/browser/hints.ts";

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const now = 1_800_000_000;
const issuer = "https://id.example";
const HEADER = { alg: "ES256", typ: "at+jwt", kid: "one" };
const CLAIMS = { iss: issuer, sub: "ada", iat: now - 10, exp: now + 890 };

/** The hints for a token with other header parameters and claims. */
function hints(header: object = {}, claims: object = {}): string[] {
  const token = [encode({ ...HEADER, ...header }), encode({ ...CLAIMS, ...claims }), "c2ln"].join(".");
  return hintsFor(decode(token), { issuer, kids: ["one"], now });
}

describe("a token on the page at /", () => {
  it("is decoded without verification, in any text", () => {
    const { header, claims } = decode(`${encode(HEADER)}.${encode({ name: "Zoë 🦉" })}.x`);
    expect({ header, claims }).toEqual({ header: HEADER, claims: { name: "Zoë 🦉" } });
    for (const part of ["", "!", "e30x", encode([1]), encode("a"), encode(null), "_-__"])
      expect(decode(`${part}.${part}.x`)).toEqual({ parts: [part, part, "x"] });
  });

  it("is read from a pasted header", () => {
    for (const text of ["a.b.c", " a.b.c\n", "Bearer a.b.c", "authorization: bearer a.b.c"])
      expect(pasted(text)).toBe("a.b.c");
  });

  it("is changed in one letter, and never in a dot", () => {
    expect(alter("aaaa.bbbb.cccc")).toEqual({ token: "aaaa.bbAb.cccc", at: 7 });
    expect(alter("aa.A.cc")).toEqual({ token: "aa.B.cc", at: 3 });
    expect(alter("aaa.bbb")).toEqual({ token: "aaa.Abb", at: 4 });
  });
});

describe("the hints for a refused token", () => {
  it.each<[name: string, header: object, claims: object, hint: string]>([
    ["no signature", { alg: "none" }, {}, "It is not signed: `alg` is `none`."],
    ["another type", { typ: "JWT" }, {}, "`typ` is `JWT`. An access token has `at+jwt` (RFC 9068)."],
    ["another key", { kid: "two" }, {}, "`kid` is `two`, which is no key of this issuer."],
    ["another issuer", {}, { iss: "https://x" }, "`iss` is `https://x`, and this issuer is `https://id.example`."],
    ["a time that has passed", {}, { exp: now - 7200 }, "It expired 2 h ago."],
    ["a time to come", {}, { nbf: now + 90 }, "It is valid in 90 s, or a clock is wrong."],
  ])("name %s", (...row) => {
    const [, header, claims, hint] = row;
    expect(hints(header, claims)).toEqual([hint]);
  });

  it("name what is no token", () => {
    const of = (token: string) => hintsFor(decode(token), { issuer, kids: [], now });
    expect(of("mrt_x")).toEqual(["It has no dots: a refresh token or another secret, not a JWT."]);
    expect(of("a.b.c.d.e")).toEqual([
      "It has five parts: an encrypted token (JWE). Mintmark signs and does not encrypt.",
    ]);
    expect(of("a.b")).toEqual(["It has 2 parts. A signed token has three, separated by dots."]);
    expect(of("a.b.c")).toEqual([
      "Its header is no JSON in base64url: a character was changed or lost.",
      "Its claims are no JSON in base64url: a character was changed or lost.",
    ]);
  });

  it("are none where nothing can be seen", () => {
    expect(hints()).toEqual([]);
    expect(hintsFor(decode(`${encode(HEADER)}.${encode(CLAIMS)}.x`), { issuer, kids: [], now })).toEqual([]);
  });
});

describe("the trust events of the page at /", () => {
  it("are read however the network divides them", () => {
    const text = 'event: connected\ndata: {}\n\ndata: {"a":1}\nid: 7\n\n';
    const found = [];
    let rest = "";
    for (const character of text) {
      const read = readEvents(rest + character);
      rest = read.rest;
      found.push(...read.events);
    }
    expect(found).toEqual([
      { id: "", event: "connected", data: "{}" },
      { id: "7", event: "message", data: '{"a":1}' },
    ]);
  });

  it("are a line each, one for a whole snapshot, and none for a heartbeat", () => {
    const linesOf = createEventLines();
    const common = { epoch: "e", sequence: 1, at: 0 };
    const revocation = { kind: "subject", id: "ada", sequence: 2, until: now } as const;
    const keys = [{ jwk: { kid: "one" } }];
    expect(linesOf({ ...common, reset: true, more: true, keys, revocations: [revocation] })).toEqual([]);
    expect(linesOf({ ...common, tokens: [{ until: now, jtis: ["a", "b"] }] })).toEqual([
      "Snapshot: 1 key, 3 revocations",
    ]);
    expect(linesOf(common)).toEqual([]);
    expect(linesOf({ ...common, keys, revocations: [revocation], tokens: [{ until: now, jtis: ["a"] }] })).toEqual([
      "Keys now: `one`",
      "All tokens of the subject `ada` revoked",
      "Token `a` revoked",
    ]);
  });
});
