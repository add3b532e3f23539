import { initTRPC } from "@trpc/server";
import { expect, it } from "vitest";
import { MintmarkError } from "../../src/errors.ts";
import { listen } from "../../src/http/listen.ts";
import { readBody, textOf } from "../../src/http/request/body.ts";
import { sendText } from "../../src/http/respond.ts";
import { createRoutes, type Handle } from "../../src/http/routes.ts";
import { send } from "../support/request.ts";

const echo: Handle = async (request, response) => {
  try {
    sendText(response, 200, textOf(await readBody(request, 10)) ?? "no UTF-8");
  } catch (error) {
    sendText(response, 413, error instanceof MintmarkError ? error.reason : "unknown");
  }
};

async function open() {
  const { find } = createRoutes({
    rows: [
      { methods: ["GET"], path: "/form", handle: (_, response) => void response.end("form") },
      { methods: ["POST"], path: "/form", handle: echo },
      { methods: ["POST"], path: "/token", handle: echo },
    ],
    router: initTRPC.create().router({}),
    trpcPath: "/trpc/",
    serveCall: () => (_, response) => sendText(response, 404, "no procedure"),
    isAllowedHost: () => true,
    basePath: "/auth",
  });
  const server = await listen({
    host: "127.0.0.1",
    port: 0,
    prepare: async () => ({
      listener(request, response) {
        const { route, target } = find(request.url ?? "");
        if (target !== undefined) route.handle(request, response, target);
      },
      close: async () => {},
    }),
  });
  const ask = async (method: string, path: string, body?: string | Buffer) => {
    const { status, text, headers } = await send(server.origin + path, { method, ...(body !== undefined && { body }) });
    return { status, text, allow: headers.allow };
  };
  return { ask, [Symbol.asyncDispose]: () => server.close() };
}

it("answers each method of a path by its handler, HEAD by that of GET, below the base path too", async () => {
  await using server = await open();
  expect(await server.ask("GET", "/form")).toMatchObject({ status: 200, text: "form" });
  expect(await server.ask("HEAD", "/form")).toMatchObject({ status: 200, text: "" });
  expect(await server.ask("POST", "/auth/form", "a=b")).toMatchObject({ status: 200, text: "a=b\n" });
});

it("answers another method by 405 with Allow, and OPTIONS by 204", async () => {
  await using server = await open();
  expect(await server.ask("PUT", "/form")).toMatchObject({ status: 405, allow: "GET, HEAD, POST, OPTIONS" });
  expect(await server.ask("GET", "/token")).toMatchObject({ status: 405, allow: "POST, OPTIONS" });
  expect(await server.ask("OPTIONS", "/token")).toMatchObject({ status: 204, allow: "POST, OPTIONS" });
  expect(await server.ask("POST", "/nothing", "x")).toMatchObject({ status: 404 });
});

it("reads a body up to a limit, as UTF-8 without a byte order mark", async () => {
  await using server = await open();
  expect(await server.ask("POST", "/token", "\ufeffx")).toMatchObject({ text: "x\n" });
  expect(await server.ask("POST", "/token", Buffer.from([0x78, 0xff]))).toMatchObject({ text: "no UTF-8\n" });
  expect(await server.ask("POST", "/token", "x".repeat(10))).toMatchObject({ status: 200 });
  expect(await server.ask("POST", "/token", "x".repeat(11))).toMatchObject({
    status: 413,
    text: "payload_too_large\n",
  });
});
