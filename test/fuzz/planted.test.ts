import { describe, expect, it } from "vitest";
import { verifyAccessToken } from "../../src/token/verify.ts";
import { createRandom } from "../support/random.ts";
import { type Answer, MalformedAnswer, takeAnswers } from "./http/answers.ts";
import { checkAnswer } from "./http/check.ts";
import { runTarget } from "./run-target.ts";
import { createTally } from "./tally.ts";
import { type TokenTargetOptions, tokenTarget } from "./targets/token.ts";

type Verify = NonNullable<TokenTargetOptions["verify"]>;

/** The violations of a verifier in a number of inputs. */
async function violationsOf(verify: Verify, inputs: number): Promise<string[]> {
  const messages = new Set<string>();
  const onViolation = (_: unknown, { message }: Error) => messages.add(message);
  await runTarget(tokenTarget({ verify }), { inputs, seed: 7, tally: createTally("token"), onViolation });
  return [...messages];
}

describe("the fuzzer of verification", () => {
  it("finds no violation of the verifier", async () => {
    expect(await violationsOf(verifyAccessToken, 300)).toEqual([]);
  });

  const planted: [string, Verify, RegExp][] = [
    [
      "accepts a token in another spelling",
      (token, ...rest) => verifyAccessToken(String(token).replace(/[^\w.-]/g, ""), ...rest),
      /answered \w+, and not invalid_token/,
    ],
    [
      "ignores the audience",
      (token, lookup, options) => verifyAccessToken(token, lookup, { ...options, audience: undefined }),
      /and not wrong_audience/,
    ],
    [
      "uses a slow clock",
      (token, lookup, options) => verifyAccessToken(token, lookup, { ...options, now: options.now - 60 }),
      /and not token_expired|and not not_yet_valid/,
    ],
    [
      "refuses a valid header",
      (token, lookup, options) =>
        verifyAccessToken(token, (kid) => (kid.includes("-") ? undefined : lookup(kid)), options),
      /answered invalid_token, and not/,
    ],
  ];
  it.each(planted)("detects a verifier that %s", async (_name, verify, violation) => {
    expect((await violationsOf(verify, 400)).join("\n")).toMatch(violation);
  });
});

describe("the fuzzer of the server", () => {
  const pool = { isGood: () => false, note: () => true } as never;
  const claims = { iss: "i", jti: "j" };
  const request = (secrets: string[] = []) => {
    const plain = Buffer.from("POST /trpc/verifyToken HTTP/1.1\r\nHost: x\r\n\r\n{}");
    return { wire: plain, plain, secrets };
  };
  function answer(status: number, body: unknown): Answer {
    const headers = new Map([
      ["x-content-type-options", "nosniff"],
      ["cache-control", "no-store"],
    ]);
    return { status, headers, body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)) };
  }
  const refusal = (data: object, message = "Could not validate credentials") => ({
    error: { message, code: -32001, data },
  });
  const invalid = { reason: "invalid_token", code: "UNAUTHORIZED", httpStatus: 401 };

  it("accepts a refusal of the catalogue", () => {
    expect(checkAnswer(answer(401, refusal(invalid)), request(), pool)).toEqual({
      what: "401 invalid_token",
      isParsed: true,
    });
  });

  const broken: [string, Answer, RegExp][] = [
    ["a failure", answer(500, refusal({ reason: "internal_error" })), /answered 500/],
    ["claims of an unsigned token", answer(200, { result: { data: claims } }), /did not sign/],
    ["half an answer", answer(200, '{"result":'), /no JSON/],
    ["another envelope", answer(200, { claims }), /envelope/],
    ["a reason of its own", answer(401, refusal({ reason: "bad" })), /catalogue/],
    [
      "a secret in a refusal",
      answer(401, refusal(invalid, `Could not validate credentials ${"k".repeat(43)}`)),
      /echoes/,
    ],
  ];
  it.each(broken)("detects a server that answers %s", (_name, said, violation) => {
    expect(() => checkAnswer(said, request(["k".repeat(43)]), pool)).toThrow(violation);
  });

  const oauth = (body: object, { status = 200, cache = "no-store" } = {}): Answer => {
    const type = [["content-type", "application/json"] as const, ["pragma", "no-cache"] as const];
    const headers = new Map([["x-content-type-options", "nosniff"], ["cache-control", cache], ...type]);
    return { status, headers, body: Buffer.from(JSON.stringify(body)) };
  };
  const form = (secrets: string[] = []) => {
    const plain = Buffer.from("POST /oauth/introspect HTTP/1.1\r\nHost: x\r\n\r\ntoken=a.b.c");
    return { wire: plain, plain, secrets };
  };
  const refused = { error: "invalid_client", error_reason: "invalid_client", error_description: "Wrong" };

  it("accepts answers of OAuth endpoints", () => {
    const what = (answer: Answer) => checkAnswer(answer, form(), pool).what;
    expect(what(oauth({ active: false }))).toBe("200 introspected");
    expect(what(oauth({ access_token: "a.b.c", token_type: "Bearer" }))).toBe("200 issued");
    expect(what(oauth(refused, { status: 401 }))).toBe("401 invalid_client");
  });

  it.each<[string, Answer, RegExp]>([
    ["that an unsigned token is active", oauth({ active: true, ...claims }), /did not sign/],
    ["a token that may be cached", oauth({ access_token: "a.b.c" }, { cache: "no-cache" }), /cache/],
    ["a reason of its own", oauth({ ...refused, error_reason: "bad" }, { status: 401 }), /catalogue/],
    ["an error with success", oauth(refused), /success/],
    ["a quoted description", oauth({ ...refused, error_description: '"' }, { status: 401 }), /characters/],
    ["a secret", oauth({ ...refused, error_description: "k".repeat(43) }, { status: 401 }), /echoes/],
  ])("detects an OAuth endpoint that answers %s", (_name, said, violation) => {
    expect(() => checkAnswer(said, form(["k".repeat(43)]), pool)).toThrow(violation);
  });

  it.each([
    "HTTP/1.1 OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX Y: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
  ])("detects a server that does not speak HTTP: %j", (text) => {
    expect(() => takeAnswers(Buffer.from(text), { isEnd: true, isHead: () => false })).toThrow(MalformedAnswer);
  });

  it("makes the same choices for the same seed, and others for another", () => {
    const choices = (seed: number) => Array.from({ length: 8 }, createRandom(seed).next);
    expect(choices(1)).toEqual(choices(1));
    expect(choices(1)).not.toEqual(choices(2));
  });
});
