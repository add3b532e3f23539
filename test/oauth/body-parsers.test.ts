import { once } from "node:events";
import express, { type RequestHandler } from "express";
import { decodeJwt } from "jose";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readFormBody } from "../../src/http/request/form-body.ts";
import { createRequestHandler } from "../../src/http/server.ts";
import { basic, type Credentials } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { encodeForm, FORM } from "../support/oauth.ts";
import { type RawRequest, send } from "../support/request.ts";
import { addResource } from "../support/resources.ts";
import { openService } from "../support/service.ts";

const RESOURCES = ["https://a.example/é", "https://b.example/?a=1&b=2"];

let opened: Awaited<ReturnType<typeof openService>>;
let client: Credentials;
beforeAll(async () => {
  opened = await openService({ open: false });
  for (const audience of RESOURCES) await addResource(opened.service, { audience, scopes: {} });
  const rights = { permissions: ["issue", "introspect"], scopes: ["*"], audiences: ["*"] } as const;
  client = await addClient(opened.service, rights);
});
afterAll(() => opened[Symbol.asyncDispose]());

/** Serves the handler of a service behind a parser of bodies. */
async function openBehind(parser: RequestHandler) {
  const app = express();
  app.use(parser, createRequestHandler(opened.service, { logger: pino({ level: "silent" }) }));
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return {
    post: async (endpoint: string, { headers, ...request }: RawRequest) => {
      const url = `http://127.0.0.1:${port}/oauth/${endpoint}`;
      const all = { "content-type": FORM, authorization: basic(client), ...headers };
      const { status, text } = await send(url, { method: "POST", ...request, headers: all });
      return { status, json: text === "" ? {} : JSON.parse(text) };
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Reads the body, and sets `body` as a parser does. */
const setting =
  (body: unknown): RequestHandler =>
  async (request, _response, next) => {
    for await (const _ of request);
    request.body = body;
    next();
  };

/** As earlier releases of Express do: sets an empty `body` for a request that is left to others. */
const leaving: RequestHandler = (request, _response, next) => {
  request.body = {};
  next();
};

const reading: RequestHandler = async (request, _response, next) => {
  for await (const _ of request);
  next();
};

const beginning: RequestHandler = (request, _response, next) => {
  request.once("data", () => {
    request.pause();
    next();
  });
};

describe("an endpoint behind a parser of bodies", () => {
  it.each<[name: string, parser: RequestHandler]>([
    ["express.urlencoded", express.urlencoded({ extended: false })],
    ["express.urlencoded with nested values", express.urlencoded({ extended: true })],
    ["express.text", express.text({ type: FORM })],
    ["express.raw", express.raw({ type: FORM })],
    ["express.json, which leaves a form to others", express.json()],
    ["one that leaves the request to others", leaving],
  ])("reads what %s has read", async (_name, parser) => {
    await using server = await openBehind(parser);
    const scope = "orders:read a+b";
    const form = { grant_type: "client_credentials", scope, resource: RESOURCES };
    const { status, json } = await server.post("token", { body: encodeForm(form) });
    expect([status, json.scope]).toEqual([200, scope]);
    const { access_token: token } = json;
    expect(decodeJwt(token).aud).toEqual(RESOURCES);
    expect((await server.post("introspect", { body: encodeForm({ token }) })).json).toMatchObject({ active: true });
    expect(await server.post("revoke", { body: encodeForm({ token }) })).toEqual({ status: 200, json: {} });
    expect((await server.post("introspect", { body: encodeForm({ token }) })).json).toEqual({ active: false });
  });

  it.each([
    ["a repeated parameter", "grant_type=client_credentials&scope=a&scope=a"],
    ["a repeated empty parameter", "grant_type=client_credentials&scope=&scope="],
    ["no parameter", ""],
    ["another type", '{"grant_type":"client_credentials"}', "application/json"],
    ["another charset", "grant_type=client_credentials", `${FORM}; charset=iso-8859-1`],
  ])("refuses %s, as without a parser", async (_name, body, type = FORM) => {
    for (const parser of [express.urlencoded({ extended: false }), express.json(), leaving]) {
      await using server = await openBehind(parser);
      const answer = await server.post("token", { body, headers: { "content-type": type } });
      expect(answer).toMatchObject({ status: 400, json: { error: "invalid_request" } });
    }
  });

  it.each<[name: string, parser: RequestHandler]>([
    ["leaves nothing of it", reading],
    ["has begun to read it", beginning],
    ["makes a nested object of it", express.urlencoded({ extended: true })],
    ...[null, 1, true, [], ["a"], new Map(), { grant_type: 1 }, { grant_type: ["a", { b: "c" }] }].map(
      (body): [string, RequestHandler] => [`sets ${JSON.stringify(body)} as body`, setting(body)],
    ),
  ])("says what to do where a parser %s", async (_name, parser) => {
    await using server = await openBehind(parser);
    for (const endpoint of ["token", "introspect", "revoke"]) {
      const answer = await server.post(endpoint, { body: "grant_type[a]=client_credentials&token=x" });
      expect(answer).toMatchObject({ status: 400, json: { error: "invalid_request" } });
      expect(answer.json.error_description).toMatch(/put it before other parsers/);
    }
  });

  it("answers a body above 64 KiB by 413, also where the parser takes it", async () => {
    await using server = await openBehind(express.urlencoded({ extended: false, limit: "1mb" }));
    const answer = await server.post("token", { body: `grant_type=x&x=${"x".repeat(64 * 1024)}` });
    expect(answer).toMatchObject({ status: 413, json: { error: "invalid_request" } });
  });

  it("answers nothing, and waits for nothing, after its connection has closed", async () => {
    const outcomes: unknown[] = [];
    await using server = await openBehind(async (request) => {
      request.destroy();
      if (!request.closed) await once(request, "close");
      outcomes.push(await readFormBody(request).catch((error: unknown) => error));
    });
    await expect(server.post("token", { body: "grant_type=client_credentials" })).rejects.toThrow();
    await expect.poll(() => outcomes).toMatchObject([{ reason: "client_closed_request" }]);
  });
});
