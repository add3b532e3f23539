import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTokenRouter } from "../../src/router/router.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { basic } from "../support/call-as.ts";
import { addClient, newClient } from "../support/clients.ts";
import { sendHead } from "../support/late-body.ts";
import { openServer } from "../support/service.ts";

let server: Awaited<ReturnType<typeof openServer>>;
beforeAll(async () => {
  server = await openServer({ open: false });
});
afterAll(() => server[Symbol.asyncDispose]());

/** What a client sends: tokens of its own, and another client. */
type Known = { token: string; refreshToken: string; other: string };

/** The input of each procedure that takes one from clients: a new procedure must come here, too. */
const INPUTS: Record<string, (known: Known) => object> = {
  getToken: () => ({ subject: "ada" }),
  refreshToken: ({ refreshToken }) => ({ refreshToken }),
  introspectToken: ({ token }) => ({ token }),
  revokeToken: ({ token }) => ({ token }),
  revoke: () => ({ subject: "ada" }),
  "keys.list": () => ({}),
  "keys.rotate": () => ({}),
  "clients.create": () => newClient(),
  "clients.list": () => ({}),
  "clients.rotateSecret": ({ other }) => ({ clientId: other }),
  "clients.remove": ({ other }) => ({ clientId: other }),
  "audit.list": () => ({}),
};

/** Anybody may verify; and a subscription has no body. */
const OTHERS = ["verifyToken", "events"];

const JSON_LINES = { "trpc-accept": "application/jsonl" };
const LANES = [
  { lane: "a call", query: "", headers: {} },
  { lane: "a batch", query: "?batch=1", headers: {} },
  { lane: "a batch as JSON lines", query: "?batch=1", headers: JSON_LINES },
];

it("is tried with every procedure there is", () => {
  const names = Object.keys(createTokenRouter(server.service)._def.procedures);
  expect([...Object.keys(INPUTS), ...OTHERS].sort()).toEqual(names.sort());
});

describe.each(LANES)("a client that is removed while the body of $lane is on its way", ({ query, headers }) => {
  it.each(Object.entries(INPUTS))("does nothing by %s", async (procedure, inputOf) => {
    const { service, url } = server;
    const client = await addClient(service, { permissions: ["admin"], anySubject: true });
    const { clientId: other } = await addClient(service);
    const caller = await service.authenticate(client, "127.0.0.1");
    const { token, refreshToken = "" } = await service.getToken(caller, { claims: {}, refreshable: true });
    const input = inputOf({ token, refreshToken, other });
    const body = JSON.stringify(query === "" ? input : { 0: input });
    using request = await sendHead(url, {
      path: procedure + query,
      headers: { authorization: basic(client), ...headers },
      body,
    });
    await service.clients.remove(localCaller, client.clientId);
    const seen = () => everything(client.clientId, other);
    const before = await seen();

    const { status, text } = await request.finish();
    expect(text).toContain('"reason":"invalid_client"');
    expect(text).not.toContain('"result"');
    // As JSON lines, the status is said before there is any.
    expect(status).toBe(headers === JSON_LINES ? 200 : 401);
    expect(await seen()).toEqual(before);
  });

  /** What procedures could have changed. */
  async function everything(clientId: string, other: string) {
    const { keys, clients, audit } = server.service;
    return {
      keys: await keys.list(localCaller),
      clients: (await clients.list(localCaller)).filter((client) => client.clientId === other),
      records: (await audit.list(localCaller, { clientId, limit: 100 })).records,
    };
  }
});

it("is told what is wrong with a body only to clients that are there when it has come", async () => {
  const client = await addClient(server.service, { permissions: ["issue"] });
  const late = { path: "getToken", headers: { authorization: basic(client) }, body: "{bad" };
  using kept = await sendHead(server.url, late);
  using removed = await sendHead(server.url, late);
  expect((await kept.finish()).text).toContain('"reason":"malformed_request"');
  await server.service.clients.remove(localCaller, client.clientId);
  expect((await removed.finish()).text).toContain('"reason":"invalid_client"');
});
