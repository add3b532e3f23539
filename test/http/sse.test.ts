import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { initTRPC, TRPCError, tracked } from "@trpc/server";
import { createHTTPHandler } from "@trpc/server/adapters/standalone";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { z } from "zod";
import { MintmarkError } from "../../src/errors.ts";
import { findProcedure } from "../../src/http/rpc/request-info.ts";
import { serveSubscription } from "../../src/http/rpc/sse.ts";

const t = initTRPC.context<{ name: string }>().create({ isDev: false });
const input = z.strictObject({ count: z.int(), lastEventId: z.string().optional() }).optional();
const failed: string[] = [];
let left = 0;
let sent = 0;

function refuse(code: TRPCError["code"], retryAfter?: number): never {
  const cause = retryAfter === undefined ? undefined : new MintmarkError("too_many_followers", { retryAfter });
  throw new TRPCError({ code, message: "no", cause });
}

function refuseByAbort(): never {
  throw new DOMException("This server stops", "AbortError");
}

const router = t.router({
  counted: t.procedure.input(input).subscription(async function* ({ input, ctx }) {
    const start = Number(input?.lastEventId ?? 0);
    for (let at = start; at < start + (input?.count ?? 2); at += 1) yield tracked(String(at), { at, name: ctx.name });
  }),
  plain: t.procedure.subscription(async function* () {
    yield "one";
    yield { two: "line\nbreak\u2028" };
  }),
  refused: t.procedure
    .use(() => {
      throw new TRPCError({ code: "FORBIDDEN", message: "no" });
    })
    .subscription(async function* () {
      yield 1;
    }),
  broken: t.procedure.subscription(async function* () {
    yield 1;
    throw new Error("inner");
  }),
  refusedAtOnce: t.procedure.subscription(async function* () {
    await new Promise((resolve) => setImmediate(resolve));
    yield refuse("TOO_MANY_REQUESTS", 7);
  }),
  brokenAtOnce: t.procedure.subscription(async function* () {
    yield refuse("INTERNAL_SERVER_ERROR");
  }),
  refusedLate: t.procedure.subscription(async function* () {
    await new Promise((resolve) => setTimeout(resolve, 300));
    yield refuse("FORBIDDEN");
  }),
  silent: t.procedure.subscription(async function* ({ signal }) {
    await new Promise((resolve) => signal?.addEventListener("abort", resolve));
    yield 1;
  }),
  sentAway: t.procedure.subscription(async function* () {
    yield refuseByAbort();
  }),
  elsewhere: t.procedure.subscription(async function* () {
    yield 1;
    throw new DOMException("This server stops", "AbortError");
  }),
  endless: t.procedure.subscription(async function* ({ signal }) {
    try {
      for (;;) {
        sent += 1;
        yield "x".repeat(100_000);
        await new Promise((resolve) => setImmediate(resolve));
        if (signal?.aborted) return;
      }
    } finally {
      left += 1;
    }
  }),
  query: t.procedure.query(() => "no subscription"),
});

const context = { name: "ada" };
const stock = createHTTPHandler({ router, basePath: "/trpc/", createContext: () => context });
const servers = [
  createServer(stock),
  createServer((request, response) => {
    const [name = "", query = ""] = (request.url ?? "").slice("/trpc/".length).split("?");
    const call = findProcedure(router, name);
    const onError = ({ path }: { path: string }) => void failed.push(path);
    if (call?.procedure._def.type !== "subscription") return stock(request, response);
    const options = { router, path: call.path, query, context, onError, firstValueTimeout: 100 };
    void serveSubscription(request, response, options);
  }),
];

beforeAll(() => Promise.all(servers.map((server) => once(server.listen(0, "127.0.0.1"), "listening"))));
afterAll(() => {
  for (const server of servers) server.closeAllConnections();
  for (const server of servers) server.close();
});

const urls = () => servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/trpc/`);

async function answers(path: string, headers: Record<string, string> = {}) {
  return Promise.all(
    urls().map(async (url) => {
      const response = await fetch(url + path, { headers: { accept: "text/event-stream", ...headers } });
      const events = (await response.text()).split(/\n{2,}/).filter((event) => event !== "");
      return { status: response.status, type: response.headers.get("content-type"), events };
    }),
  );
}

const countedTo = (count: unknown) => `counted?input=${encodeURIComponent(JSON.stringify({ count }))}`;

describe("serveSubscription", () => {
  it.each([
    ["counted", {}],
    [countedTo(3), {}],
    [countedTo(1), { "last-event-id": "41" }],
    [`${countedTo(1)}&lastEventId=7`, {}],
    ["plain", {}],
    ["broken", {}],
    ["refusedLate", {}],
    ["sentAway", {}],
    ["elsewhere", {}],
  ])("answers %s %o as tRPC's adapter does", async (path, headers) => {
    const [theirs, ours] = await answers(path, headers);
    expect(ours).toEqual(theirs);
    expect(ours?.status).toBe(200);
  });

  it.each([
    [countedTo("3"), 400, {}],
    ["counted?lastEventId=5", 400, {}],
    ["counted?input=%7B", 400, {}],
    ["counted?input=null", 400, {}],
    ["refused", 403, {}],
    ["refusedAtOnce", 429, { "retry-after": "7" }],
    ["brokenAtOnce", 500, {}],
  ])("rejects %s with the status %s, in the shape of the adapter's event", async (path, status, headers) => {
    const [theirs] = await answers(path);
    const said = theirs?.events.find((event) => event.startsWith("event: serialized-error"));
    const [, url = ""] = urls();
    const before = failed.length;
    const response = await fetch(url + path, { headers: { accept: "text/event-stream" } });
    expect(response.status).toBe(status);
    expect(Object.fromEntries(response.headers)).toMatchObject({ "content-type": "application/json", ...headers });
    const { error } = (await response.json()) as { error: { data: { httpStatus: number } } };
    expect(error.data.httpStatus).toBe(status);
    expect({ ...error, message: "" }).toEqual({ ...JSON.parse(said?.split("data: ")[1] ?? ""), message: "" });
    expect(failed.slice(before)).toEqual([path.split("?")[0]]);
  });

  it("begins without a slow first value", async () => {
    const [, url = ""] = urls();
    const leaving = new AbortController();
    const response = await fetch(`${url}silent`, { signal: leaving.signal });
    expect(response.status).toBe(200);
    const { value } = (await response.body?.getReader().read()) ?? {};
    expect(Buffer.from(value ?? "").toString()).toMatch(/^event: connected\n/);
    leaving.abort();
  });

  it("leaves everything else to the adapter", async () => {
    for (const path of ["query", "counted,plain?batch=1", "unknown", "__proto__", ""]) {
      const [theirs, ours] = await answers(path);
      expect(ours).toEqual(theirs);
    }
  });

  it("ends the subscription when the client leaves", async () => {
    const [, url = ""] = urls();
    const leaving = new AbortController();
    const response = await fetch(`${url}endless`, { signal: leaving.signal });
    await response.body?.getReader().read();
    const before = left;
    leaving.abort();
    while (left === before) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it("waits for a client that does not read, without buffering", async () => {
    sent = 0;
    const [, url = ""] = urls();
    const { port } = new URL(url);
    const deaf = connect(Number(port), "127.0.0.1").pause();
    onTestFinished(() => void deaf.destroy());
    deaf.write("GET /trpc/endless HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
    await vi.waitFor(() => expect(sent).toBeGreaterThan(10), { interval: 5, timeout: 20_000 });
    let before = -1;
    await vi.waitFor(
      () => {
        const known = before;
        before = sent;
        expect(sent).toBe(known);
      },
      { interval: 200, timeout: 20_000 },
    );
    expect(sent).toBeLessThan(500);
  });
});
