import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createTokenServer } from "../../src/index.ts";
import { captureLog } from "../support/log.ts";
import { send } from "../support/request.ts";
import { openService } from "../support/service.ts";

const UUID = /^[0-9a-f-]{36}$/;
const JSON_HEADERS = { "content-type": "application/json" };

const fragile = z.looseObject({}).refine((claims) => {
  if ("fail" in claims) throw new Error("canary");
  return true;
});

async function open() {
  const { lines, logger } = captureLog();
  const opened = await openService({ claims: fragile });
  const server = await createTokenServer(opened.service, { port: 0, logger });
  return {
    url: server.origin,
    logged: (message: string) => lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === message),
    async [Symbol.asyncDispose]() {
      await server.close();
      await opened[Symbol.asyncDispose]();
    },
  };
}

describe("a request", () => {
  it("has its id in the answer if it is rejected, and not if it is served", async () => {
    await using server = await open();
    const refused = ["/trpc/nothing", "/nothing", "/trpc/verifyToken?input=1", "/trpc/getToken,getToken"];
    for (const path of refused) {
      const { headers } = await send(`${server.url}${path}`, { headers: { "x-request-id": "edge-1" } });
      expect(headers["x-request-id"], path).toBe("edge-1");
    }
    const put = await send(`${server.url}/trpc/getToken`, { method: "PUT" });
    expect(put.headers["x-request-id"]).toMatch(UUID);
    expect((await send(`${server.url}/trpc/getToken`)).headers["x-request-id"]).toBeUndefined();
  });

  it("has one id in its answer, in the log of its failure and in the log of requests", async () => {
    await using server = await open();
    const body = JSON.stringify({ claims: { fail: true } });
    const { headers } = await send(`${server.url}/trpc/getToken`, { method: "POST", headers: JSON_HEADERS, body });
    const requestId = headers["x-request-id"];
    expect(requestId).toMatch(UUID);
    expect(server.logged("call failed")).toMatchObject([{ requestId, procedure: "getToken" }]);
    expect(server.logged("request")).toMatchObject([{ requestId, route: "/trpc/getToken" }]);
  });

  it.each([
    ["a.b_c-1", true],
    ["x".repeat(64), true],
    ["x".repeat(65), false],
    ["a b", false],
    ['"}', false],
    ["é", false],
    [["one", "two"], false],
  ])("keeps the received id %j: %s", async (given, kept) => {
    await using server = await open();
    const { headers } = await send(`${server.url}/nothing`, { headers: { "x-request-id": given } });
    expect(headers["x-request-id"]).toEqual(kept ? given : expect.stringMatching(UUID));
  });
});
