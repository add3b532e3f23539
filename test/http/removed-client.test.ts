import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { json } from "node:stream/consumers";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTokenServer, type RunningServer } from "../../src/index.ts";
import { createTokenRouter } from "../../src/router/router.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { createTokenService, type TokenService } from "../../src/service/service.ts";
import { openPostgresStore } from "../../src/store/postgres/postgres.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { encodeBasic } from "../../src/token/client-secret-basic.ts";
import { addClient } from "../support/clients.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { ISSUER, temporaryFolder } from "../support/service.ts";

/** What every procedure is called with that only a client may call. */
const CALLS: Record<string, object> = {
  getToken: {},
  refreshToken: { refreshToken: "a refresh token" },
  revokeToken: { token: "a token" },
  revoke: { subject: "ada" },
  introspectToken: { token: "a token" },
  "keys.list": {},
  "keys.rotate": { immediate: true },
  "clients.create": { name: "new", permissions: [] },
  "clients.list": {},
  "clients.rotateSecret": { clientId: "another" },
  "clients.remove": { clientId: "another" },
  "audit.list": {},
};
/** Open to all, and without a body: see the test of the service for what happens before a follower has joined. */
const OTHERS = ["verifyToken", "events"];

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

/** Sends the head of a call, and gives what sends its body and reads the answer. */
async function begin(url: string, authorization: string, input: object) {
  const body = JSON.stringify(input);
  const headers = { authorization, "content-type": "application/json", "content-length": body.length };
  const call = request(url, { method: "POST", headers: { ...headers, expect: "100-continue" } });
  call.flushHeaders();
  // The server has read the head, and has begun.
  await once(call, "continue");
  return async () => {
    call.end(body);
    const [answer]: IncomingMessage[] = await once(call, "response");
    return { status: answer?.statusCode, body: answer && (await json(answer)) };
  };
}

const remove = ({ clients }: TokenService, clientId: string) => clients.remove(localCaller, clientId);
const rotate = ({ clients }: TokenService, clientId: string) =>
  clients.rotateSecret(localCaller, { clientId, overlap: 0 });

function describeRemoval(open: () => Promise<Cluster>): void {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await open();
  });
  afterAll(() => cluster.close());

  it("has a row for every procedure", () => {
    const names = Object.keys(createTokenRouter(cluster.services[0])._def.procedures);
    expect([...Object.keys(CALLS), ...OTHERS].sort()).toEqual(names.sort());
  });

  const rows = Object.entries(CALLS).flatMap(([name, input]) => [
    { name, input, by: "removed by the same server", at: 0 as const, end: remove },
    { name, input, by: "removed by the other server", at: 1 as const, end: remove },
    { name, input, by: "given another secret by the same server", at: 0 as const, end: rotate },
    { name, input, by: "given another secret by the other server", at: 1 as const, end: rotate },
  ]);
  it.each(rows)("is refused $name, $by", async ({ name, input, at, end }) => {
    const [service] = cluster.services;
    const client = await addClient(service, { permissions: ["admin"] });
    const finish = await begin(`${cluster.servers[0].origin}/trpc/${name}`, encodeBasic(client), input);
    await end(cluster.services[at], client.clientId);
    const before = await cluster.services[at].audit.list(localCaller, { limit: 1 });
    expect(await finish()).toMatchObject({ status: 401, body: { error: { data: { reason: "invalid_client" } } } });
    expect(await cluster.services[at].audit.list(localCaller, { limit: 1 })).toEqual(before);
  });
}

describe("a client that is removed between the head of its request and the body, on the embedded database", () => {
  const folder = temporaryFolder();
  afterAll(() => folder[Symbol.dispose]());
  describeRemoval(() => openCluster(() => openSqliteStore(folder.path, { shared: true })));
});

describePostgres("a client that is removed between the head of its request and the body, on PostgreSQL", () => {
  describeRemoval(async () => {
    const url = await sharedPostgres.newDatabase();
    return openCluster(() => openPostgresStore(url));
  });
});
