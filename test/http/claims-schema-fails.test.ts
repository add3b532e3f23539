import { describe, expect, it } from "vitest";
import { z } from "zod";
import { reasonOf } from "../../src/router/error-shape.ts";
import { createTokenRouter } from "../../src/router/router.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import type { ClaimsSchema } from "../../src/token/claims.ts";
import { ask, openTarget, post } from "../support/http-attacks.ts";
import { openService } from "../support/service.ts";

/** A schema whose own code fails while the switch is on. */
const failing = (fail: () => unknown) => {
  const state = { fails: false };
  const run = () => (state.fails ? fail() : true);
  return { state, run };
};

const raise = (error: unknown) => () => {
  throw error;
};

const FAILURES: [name: string, fail: () => unknown][] = [
  ["throws a TypeError", raise(new TypeError("boom"))],
  ["throws what JSON.parse does", () => JSON.parse("{")],
  ["throws what decodeURIComponent does", () => decodeURIComponent("%")],
  ["throws a text", raise("boom")],
  ["throws nothing", raise(undefined)],
  ["throws null", raise(null)],
  ["gives a promise", () => Promise.resolve(true)],
];

describe("a claims schema whose own code fails is a fault of the service, and is logged", () => {
  const schemas = (run: () => unknown): [string, ClaimsSchema][] => {
    const claims = z.object({ role: z.string().optional() });
    return [
      ["refinement of the whole", claims.refine(run)],
      ["refinement of a claim", z.object({ role: z.string().optional().refine(run) })],
      [
        "transformation of the whole",
        claims.transform((value) => ({ ...value, ...(run() === true ? {} : raise(1)()) })),
      ],
    ];
  };

  it.each(FAILURES)("where it %s", async (_, fail) => {
    const { state, run } = failing(fail);
    for (const [name, claims] of schemas(run)) {
      state.fails = false;
      await using target = await openTarget({ claims });
      const { token } = await target.service.getToken(localCaller, { claims: {} });
      state.fails = true;
      const calls: [string, object][] = [
        ["getToken", { claims: { role: "reader" } }],
        ["getToken", {}],
        ["verifyToken", { token }],
      ];
      for (const [procedure, input] of calls) {
        const { status, text } = await ask(target.url, procedure, post(input));
        const { reason, code } = JSON.parse(text).error.data;
        expect([name, procedure, status, reason, code]).toEqual([
          name,
          procedure,
          500,
          "internal_error",
          "INTERNAL_SERVER_ERROR",
        ]);
      }
      expect(target.log().match(/call failed/g)).toHaveLength(calls.length);
      expect(target.log()).not.toContain("boom");
    }
  });

  it("and what it rejects is the caller's fault, as is an unreadable body", async () => {
    const claims = z.object({ role: z.string().transform((text) => z.enum(["reader"]).parse(text)) });
    await using target = await openTarget({ claims });
    const reasonOfCall = async (init: object) =>
      JSON.parse((await ask(target.url, "getToken", init as never)).text).error.data.reason;
    expect(await reasonOfCall(post({ claims: { role: "x" } }))).toBe("invalid_request");
    expect(await reasonOfCall(post({ claims: { role: 1 } }))).toBe("invalid_request");
    expect(await reasonOfCall({ ...post({}), body: "{" })).toBe("malformed_request");
    expect(target.log()).not.toContain("call failed");
  });

  it("in process too", async () => {
    await using opened = await openService({ claims: z.object({}).refine(raise(new TypeError("boom"))) });
    const caller = createTokenRouter(opened.service).createCaller({ authenticate: async () => localCaller });
    const error = await caller.getToken().then(raise(1), (error: unknown) => error);
    expect(reasonOf(error)).toBe("internal_error");
    expect(error).toMatchObject({ cause: new TypeError("boom") });
  });
});
