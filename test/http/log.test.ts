import { describe, expect, it } from "vitest";
import { z } from "zod";
import { MintmarkError } from "../../src/errors.ts";
import { listen } from "../../src/http/listen.ts";
import { createRemedies, describeError } from "../../src/http/log.ts";
import { createRequestHandler } from "../../src/http/server.ts";
import { captureLog } from "../support/log.ts";
import { call, send } from "../support/request.ts";
import { openService } from "../support/service.ts";

const fragile = z.looseObject({}).refine((claims) => {
  if ("fail" in claims) throw Object.assign(new Error(`canary ${JSON.stringify(claims)}`), { code: "E_CANARY" });
  return true;
});

describe("the log", () => {
  it("has one line per request with route, status and duration, and nothing of its content", async () => {
    const { lines, logger } = captureLog();
    await using opened = await openService({ claims: fragile });
    const { service } = opened;
    const server = await listen({
      host: "127.0.0.1",
      port: 0,
      prepare: async () => ({ listener: createRequestHandler(service, { logger }), close: async () => {} }),
    });
    const { data } = await call(server.origin, "getToken", { subject: "canary-subject" });
    const { token } = z.object({ token: z.string() }).parse(data);
    await call(server.origin, "verifyToken", { token });
    await call(server.origin, "verifyToken", { token: `${token}x` });
    await call(server.origin, "getToken", { claims: { fail: "canary-claim" } });
    await send(`${server.origin}/canary-path?canary-query`, { headers: { authorization: "Basic canary" } });
    await server.close();

    const requests = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === "request");
    expect(requests.map(({ method, route, status }) => `${method} ${route} ${status}`)).toEqual([
      "POST /trpc/getToken 200",
      "POST /trpc/verifyToken 200",
      "POST /trpc/verifyToken 401",
      "POST /trpc/getToken 500",
      "GET unknown 404",
    ]);
    for (const secret of ["canary", token, token.split(".")[2]]) expect(lines.join("")).not.toContain(secret);
    expect(lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === "call failed")).toMatchObject({
      procedure: "getToken",
      error: {
        type: "Error",
        code: "E_CANARY",
        frames: expect.arrayContaining([expect.stringContaining("log.test.ts")]),
      },
    });
  });
});

describe("a call that the database fails", () => {
  /** By the code of its driver, and the remedy in the log. */
  const FAILURES = [
    ["SQLITE_FULL", "unavailable", /^The database in MINTMARK_DATA cannot be used \(SQLITE_FULL\): its disk is full/],
    ["SQLITE_CORRUPT", "internal_error", /^The database in MINTMARK_DATA [^\n]*: restore it from a backup/],
    ["25006", "unavailable", /^The database in DATABASE_URL cannot be used \(25006\): it is read-only/],
    ["42P01", "internal_error", /^The database in DATABASE_URL cannot be used \(42P01\): /],
  ] as const;

  it.each(FAILURES)("by %s is logged with what to do, once in a row of failures", async (code, reason, remedy) => {
    const { lines, logger } = captureLog();
    await using opened = await openService({});
    const cause = Object.assign(new Error("canary"), { code });
    const getToken = () => Promise.reject(new MintmarkError(reason, { cause }));
    const server = await listen({
      host: "127.0.0.1",
      port: 0,
      prepare: async () => ({
        listener: createRequestHandler({ ...opened.service, getToken }, { logger }),
        close: async () => {},
      }),
    });
    for (const _ of [1, 2, 3]) await call(server.origin, "getToken", {});
    await server.close();
    const failed = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === "call failed");
    expect(failed.map(({ error }) => error.code)).toEqual([code, code, code]);
    expect(failed.map((line) => line.remedy)).toEqual([expect.stringMatching(remedy), undefined, undefined]);
    expect(lines.join("")).not.toContain("canary");
  });

  it("is repeated after a minute, and at once for another remedy", () => {
    let now = 0;
    const remedyOf = createRemedies(() => now);
    const failure = (code: string) => Object.assign(new Error(), { code });
    expect(remedyOf(failure("SQLITE_FULL"))).toMatch(/disk is full/);
    expect(remedyOf(failure("SQLITE_FULL"))).toBeUndefined();
    expect(remedyOf(failure("53300"))).toMatch(/DATABASE_URL/);
    now = 60_000;
    expect(remedyOf(failure("SQLITE_FULL"))).toMatch(/disk is full/);
    expect(remedyOf(new Error("no failure of a database"))).toBeUndefined();
  });
});

describe("describeError", () => {
  it("contains the type, the code and the frames of an error, never its message", () => {
    const described = describeError(Object.assign(new RangeError("canary\n    with lines"), { code: "SQLITE_FULL" }));
    expect(described).toMatchObject({ type: "RangeError", code: "SQLITE_FULL" });
    expect(JSON.stringify(described)).not.toContain("canary");
  });

  it("contains only the type of other thrown values", () => {
    expect(describeError("canary")).toEqual({ type: "string" });
    expect(describeError(undefined)).toEqual({ type: "undefined" });
  });
});
