import { initTRPC } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Context } from "../../src/router/procedure.ts";
import { createTokenRouter } from "../../src/router/router.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { follow } from "../support/follow.ts";
import { call } from "../support/request.ts";
import { openServer, openService } from "../support/service.ts";
import { recordSpans } from "../support/spans.ts";

const ERROR = 2;
const fragile = z.looseObject({}).refine((claims) => {
  if ("fail" in claims) throw new Error("canary");
  return true;
});

const context = { authenticate: async () => localCaller };

describe("spans", () => {
  it("cover procedures, and the database calls within them", async () => {
    await using recorder = recordSpans();
    await using server = await openServer({ tracer: recorder.tracer });
    await call(server.url, "getToken", { subject: "canary" });
    const spans = recorder.spans();
    const procedure = spans.find(({ name }) => name === "mintmark/getToken");
    expect(procedure).toMatchObject({
      kind: 1,
      status: { code: 0 },
      attributes: { "rpc.system": "trpc", "rpc.service": "mintmark", "rpc.method": "getToken" },
    });
    const { spanId, traceId } = procedure?.spanContext() ?? {};
    const within = spans.filter(({ parentSpanContext }) => parentSpanContext?.spanId === spanId);
    expect(within.map(({ name }) => name)).toEqual(["position", "appendAudit"]);
    for (const span of within) {
      expect(span.spanContext().traceId).toBe(traceId);
      expect(span.kind).toBe(2);
      expect(span.attributes).toEqual({ "db.system.name": "sqlite", "db.operation.name": span.name });
    }
  });

  it("contain the reason of an error, and nothing else of it", async () => {
    await using recorder = recordSpans();
    await using server = await openServer({ tracer: recorder.tracer, claims: fragile });
    await call(server.url, "verifyToken", { token: "canary" });
    await call(server.url, "getToken", { claims: { fail: "canary" } });
    await call(server.url, "getToken", { canary: "canary" });
    await call(server.url, "clients.remove", { clientId: "canary" });
    const failed = recorder.spans().filter(({ status }) => status.code === ERROR);
    expect(failed.map(({ name, attributes, status }) => [name, attributes["error.type"], status.message])).toEqual([
      ["mintmark/verifyToken", "invalid_token", "invalid_token"],
      ["mintmark/getToken", "internal_error", "internal_error"],
      ["mintmark/getToken", "invalid_request", "invalid_request"],
      ["mintmark/clients.remove", "unknown_client", "unknown_client"],
    ]);
    const recorded = recorder
      .spans()
      .map(({ name, attributes, events, status }) => ({ name, attributes, events, status }));
    expect(JSON.stringify(recorded)).not.toContain("canary");
  });

  it("cover the start of subscriptions, and each call of a batch", async () => {
    await using recorder = recordSpans();
    await using server = await openServer({ tracer: recorder.tracer });
    expect(await follow(server.url)).toMatchObject({ reason: "served" });
    await fetch(`${server.url}/trpc/keys.list,audit.list?batch=1&input=${encodeURIComponent('{"1":{}}')}`);
    const names = recorder.spans().map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["mintmark/events", "mintmark/keys.list", "mintmark/audit.list"]));
  });

  it("are created where the router is part of another one", async () => {
    await using recorder = recordSpans();
    await using opened = await openService({ tracer: recorder.tracer });
    const t = initTRPC.context<Context>().create();
    const larger = t.router({ tokens: createTokenRouter(opened.service) });
    await larger.createCaller(context).tokens.getToken();
    expect(recorder.spans().map(({ name }) => name)).toContain("mintmark/tokens.getToken");
  });

  it("are not created without a tracer", async () => {
    await using recorder = recordSpans();
    await using opened = await openService();
    await createTokenRouter(opened.service).createCaller(context).getToken();
    expect(recorder.spans()).toEqual([]);
  });
});
