import { describe, expect, it } from "vitest";
import { MintmarkError, StartError } from "../../src/errors.ts";
import {
  type BearerOptions,
  type BearerRequest,
  createAuthenticate,
  withScope,
} from "../../src/verifier/middleware/bearer.ts";
import { BearerRefusal, refusalParts } from "../../src/verifier/middleware/refusal.ts";

/** A verifier that accepts everything, and its calls. */
function agreeable() {
  const asked: unknown[] = [];
  const verify = async (token: unknown, expected?: { scope?: string | undefined }) => {
    asked.push([token, expected?.scope]);
    return { sub: "ada" };
  };
  return { asked, verify };
}

function refusing(error: unknown) {
  return {
    verify: async (): Promise<{ sub: string }> => {
      throw error;
    },
  };
}

async function refusalOf(error: unknown, options: BearerOptions = {}): Promise<BearerRefusal> {
  const claims = await createAuthenticate(refusing(error), options)({ headers: { authorization: "Bearer a" } });
  if (!(claims instanceof BearerRefusal)) throw new Error("was let through");
  return claims;
}

describe("createAuthenticate", () => {
  it.each<[string, BearerRequest]>([
    ["Headers", { headers: new Headers({ Authorization: "Bearer a.b-c_~+/==" }) }],
    ["Node's headers", { headers: { authorization: "Bearer a.b-c_~+/==" } }],
    ["Node's headers with a list of one", { headers: { authorization: ["Bearer a.b-c_~+/=="] } }],
    ["a header that is called get", { headers: { get: "x", authorization: "Bearer a.b-c_~+/==" } }],
  ])("reads every token of the grammar from %s", async (_, request) => {
    const verifier = agreeable();
    expect(await createAuthenticate(verifier, { scope: "a b" })(request)).toEqual({ sub: "ada" });
    expect(verifier.asked).toEqual([["a.b-c_~+/==", "a b"]]);
  });

  it.each<[string, BearerRequest]>([
    ["in a list", { headers: { authorization: ["Bearer a", "Bearer b"] } }],
    [
      "joined by Headers",
      {
        headers: new Headers([
          ["authorization", "Bearer a"],
          ["Authorization", "Bearer b"],
        ]),
      },
    ],
    [
      "that Node dropped",
      { headers: { authorization: "Bearer a" }, rawHeaders: ["Authorization", "Bearer a", "AUTHORIZATION", "x"] },
    ],
    [
      "that Node dropped behind a framework",
      {
        headers: { authorization: "Bearer a" },
        raw: { rawHeaders: ["authorization", "Bearer a", "authorization", ""] },
      },
    ],
  ])("refuses two credentials %s without a call of the verifier", async (_, request) => {
    const verifier = agreeable();
    expect(await createAuthenticate(verifier, {})(request)).toMatchObject({ status: 400, reason: "malformed_request" });
    expect(verifier.asked).toEqual([]);
  });

  it("counts names of header fields, not values", async () => {
    const rawHeaders = ["x-first", "authorization", "authorization", "Bearer a", "x-last", "authorization"];
    const request = { headers: { authorization: "Bearer a" }, rawHeaders };
    expect(await createAuthenticate(agreeable(), {})(request)).toEqual({ sub: "ada" });
  });

  it.each(['a"b', "a\\b", "a\r\nset-cookie: b", "a\u0000", "ä", ""])("refuses the realm %j at once", (realm) => {
    expect(() => createAuthenticate(agreeable(), { realm })).toThrow(StartError);
  });

  it.each(["", " ", "a  b", 'a"b', "a\\b", "a\r\nb", "ä"])("refuses the scope %j at once", (scope) => {
    expect(() => createAuthenticate(agreeable(), { scope })).toThrow(StartError);
    expect(() => createAuthenticate(agreeable(), withScope({}, scope))).toThrow(StartError);
  });

  it("requires all scopes of repeated requireScope", async () => {
    const verifier = agreeable();
    const authenticate = createAuthenticate(verifier, withScope(withScope({}, "a"), "b c"));
    await authenticate({ headers: { authorization: "Bearer x" } });
    expect(verifier.asked).toEqual([["x", "a b c"]]);
  });

  it("sends its realm and the required scope", async () => {
    const refusal = await refusalOf(new MintmarkError("insufficient_scope"), { realm: "the shop", scope: "a b" });
    expect(refusal.wwwAuthenticate).toBe(
      'Bearer realm="the shop", error="insufficient_scope", error_description="The token lacks a required scope", scope="a b"',
    );
  });

  it("sends Retry-After in whole seconds", async () => {
    const refusal = await refusalOf(new MintmarkError("unavailable", { retryAfter: 2.5 }));
    expect(refusalParts(refusal)).toEqual({
      status: 503,
      headers: { "content-type": "application/json", "cache-control": "no-store", "retry-after": "3" },
      body: '{"error":"temporarily_unavailable","error_description":"Not ready: retry shortly","reason":"unavailable"}',
    });
  });

  it.each([new TypeError("eyJ secret"), new MintmarkError("conflict"), "text", undefined])(
    "answers 500 to an unexpected exception of the verifier, with it as the cause: %s",
    async (error) => {
      const refusal = await refusalOf(error);
      expect(refusal.cause).toBe(error);
      expect(refusalParts(refusal).status).toBe(500);
      expect(JSON.parse(refusalParts(refusal).body)).toEqual({
        error: "server_error",
        error_description: "Internal server error",
        reason: "internal_error",
      });
    },
  );

  it("reports every refusal, and nothing else", async () => {
    const reported: BearerRefusal[] = [];
    const authenticate = createAuthenticate(agreeable(), { onRefusal: (refusal) => reported.push(refusal) });
    await authenticate({ headers: { authorization: "Bearer a" } });
    expect(reported).toEqual([]);
    const refusal = await authenticate({ headers: {} });
    expect(reported).toEqual([refusal]);
    expect(refusalParts(reported[0] ?? (refusal as BearerRefusal)).body).toBe(
      '{"error_description":"Could not validate credentials","reason":"invalid_token"}',
    );
  });
});
