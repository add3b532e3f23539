import pino from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTokenServer, type RunningServer } from "../../src/index.ts";
import { createTokenRouter } from "../../src/router/router.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { createTokenService, type TokenService } from "../../src/service/service.ts";
import { openPostgresStore } from "../../src/store/postgres/postgres.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { basic } from "../support/call-as.ts";
import { addClient, newClient } from "../support/clients.ts";
import { sendHead } from "../support/late-body.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { MCP, newResource } from "../support/resources.ts";
import { ISSUER, openServer, temporaryFolder } from "../support/service.ts";

/** What a client can send: tokens of its own, and the id of another client. */
type Known = { token: string; refreshToken: string; other: string };

const HANDLE = "a".repeat(43);

/** The input of every procedure that only clients may call. */
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
  "clients.update": ({ other }) => ({ clientId: other, name: "other" }),
  "clients.rotateSecret": ({ other }) => ({ clientId: other }),
  "clients.remove": ({ other }) => ({ clientId: other }),
  "resources.create": () => newResource(),
  "resources.list": () => ({}),
  "resources.remove": () => ({ audience: MCP }),
  "tokens.find": () => ({ jti: "a" }),
  "grants.list": () => ({ subject: "ada" }),
  "audit.list": () => ({}),
  "sessions.list": () => ({ subject: "ada" }),
  "sessions.revoke": () => ({ sid: "a" }),
  "consents.list": () => ({ subject: "ada" }),
  "consents.revoke": ({ other }) => ({ subject: "ada", clientId: other }),
  "signIn.describe": () => ({ handle: HANDLE }),
  "signIn.accept": () => ({ handle: HANDLE, subject: "ada" }),
  "signIn.refuse": () => ({ handle: HANDLE }),
};

/** Everybody may verify, and a subscription has no body: see the test of the service for a follower that joins. */
const OTHERS = ["verifyToken", "events"];

const JSON_LINES = { "trpc-accept": "application/jsonl" };
const LANES = [
  { lane: "a call", query: "", headers: {} },
  { lane: "a batch", query: "?batch=1", headers: {} },
  { lane: "a batch as JSON lines", query: "?batch=1", headers: JSON_LINES },
];

describe("a client that is removed while its body is in transit", () => {
  let server: Awaited<ReturnType<typeof openServer>>;
  beforeAll(async () => {
    server = await openServer({ open: false });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("is tested with every procedure", () => {
    const names = Object.keys(createTokenRouter(server.service)._def.procedures);
    expect([...Object.keys(INPUTS), ...OTHERS].sort()).toEqual(names.sort());
  });

  describe.each(LANES)("by $lane", ({ query, headers }) => {
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
  });

  /** What procedures could have changed. */
  async function everything(clientId: string, other: string) {
    const { keys, clients, resources, audit } = server.service;
    return {
      keys: await keys.list(localCaller),
      clients: (await clients.list(localCaller)).filter((client) => client.clientId === other),
      resources: await resources.list(localCaller),
      records: (await audit.list(localCaller, { clientId, limit: 100 })).records,
    };
  }

  it("receives input errors only if it exists when the body has arrived", async () => {
    const client = await addClient(server.service, { permissions: ["issue"] });
    const late = { path: "getToken", headers: { authorization: basic(client) }, body: "{bad" };
    using kept = await sendHead(server.url, late);
    using removed = await sendHead(server.url, late);
    expect((await kept.finish()).text).toContain('"reason":"malformed_request"');
    await server.service.clients.remove(localCaller, client.clientId);
    expect((await removed.finish()).text).toContain('"reason":"invalid_client"');
  });
});

type Cluster = {
  services: [TokenService, TokenService];
  servers: [RunningServer, RunningServer];
  close(): Promise<void>;
};

/** Two servers on one database, for clients alone. */
async function openCluster(openStore: () => Promise<Store>): Promise<Cluster> {
  const open = async () => createTokenService({ store: await openStore(), issuer: ISSUER, open: false });
  const services: Cluster["services"] = [await open(), await open()];
  const serve = (service: TokenService) => createTokenServer(service, { port: 0, logger: pino({ level: "silent" }) });
  const servers: Cluster["servers"] = [await serve(services[0]), await serve(services[1])];
  const close = async () => {
    for (const server of servers) await server.close();
  };
  return { services, servers, close };
}

const remove = ({ clients }: TokenService, clientId: string) => clients.remove(localCaller, clientId);
const rotate = ({ clients }: TokenService, clientId: string) =>
  clients.rotateSecret(localCaller, { clientId, overlap: 0 });

/** Tokens and clients that do not exist: the caller is refused before they are read. */
const NOTHING: Known = { token: "a token", refreshToken: "a refresh token", other: "another" };

function describeRemoval(open: () => Promise<Cluster>): void {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await open();
  });
  afterAll(() => cluster.close());

  const rows = Object.entries(INPUTS).flatMap(([name, inputOf]) => [
    { name, inputOf, by: "removed by the same server", at: 0 as const, end: remove },
    { name, inputOf, by: "removed by the other server", at: 1 as const, end: remove },
    { name, inputOf, by: "given another secret by the same server", at: 0 as const, end: rotate },
    { name, inputOf, by: "given another secret by the other server", at: 1 as const, end: rotate },
  ]);
  it.each(rows)("is refused $name, $by", async ({ name, inputOf, at, end }) => {
    const [service] = cluster.services;
    const client = await addClient(service, { permissions: ["admin"] });
    using request = await sendHead(cluster.servers[0].origin, {
      path: name,
      headers: { authorization: basic(client) },
      body: JSON.stringify(inputOf(NOTHING)),
    });
    await end(cluster.services[at], client.clientId);
    const before = await cluster.services[at].audit.list(localCaller, { limit: 1 });
    const { status, text } = await request.finish();
    expect({ status, text }).toEqual({ status: 401, text: expect.stringContaining('"reason":"invalid_client"') });
    expect(await cluster.services[at].audit.list(localCaller, { limit: 1 })).toEqual(before);
  });
}

describe("a client that is removed between its head and its body, on the embedded database", () => {
  const folder = temporaryFolder();
  afterAll(() => folder[Symbol.dispose]());
  describeRemoval(() => openCluster(() => openSqliteStore(folder.path, { shared: true })));
});

describePostgres("a client that is removed between its head and its body, on PostgreSQL", () => {
  describeRemoval(async () => {
    const url = await sharedPostgres.newStoreDatabase();
    return openCluster(() => openPostgresStore(url));
  });
});
