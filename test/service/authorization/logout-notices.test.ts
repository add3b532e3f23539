import { setTimeout as sleep } from "node:timers/promises";
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from "jose";
import { describe, expect, it, vi } from "vitest";
import { localCaller } from "../../../src/service/access/caller.ts";
import type { TokenService } from "../../../src/service/service.ts";
import type { Store } from "../../../src/store/store.ts";
import { addClient } from "../../support/clients.ts";
import { serveBytes } from "../../support/document-server.ts";
import { receiveLogouts } from "../../support/logout-receiver.ts";
import { countConnections } from "../../support/outbound.ts";
import { describePostgres } from "../../support/postgres.ts";
import { ISSUER, NOW, openService } from "../../support/service.ts";
import { addGrantOf, addSession } from "../../support/sign-in-session.ts";
import { openTwoOnPostgres, openTwoOnSqlite, type TwoOptions, type TwoServices } from "../../support/two-services.ts";

const CALLBACK = "https://app.example/callback";

const addWeb = (service: Pick<TokenService, "clients">, backchannelLogoutUri: string) =>
  addClient(service, { name: "web", redirectUris: [CALLBACK], backchannelLogoutUri });

/** A session with a grant to a client whose back channel is at a URL. */
async function openSession(opened: Awaited<ReturnType<typeof openService>>, url: string) {
  const { service, store } = opened;
  const { clientId } = await addWeb(service, url);
  const { sid } = await addSession(store);
  await addGrantOf(store, { sid, clientId });
  return { sid, clientId };
}

/** Waits for what happens in the background. */
const soon = (check: () => unknown) => vi.waitFor(check, { timeout: 4000, interval: 10 });

describe("back-channel logout", () => {
  it("sends a signed logout token by a form (Back-Channel Logout 1.0 §2.4, §2.5)", async () => {
    await using opened = await openService();
    await using client = await receiveLogouts();
    const { sid, clientId } = await openSession(opened, client.url);
    await opened.service.revokeGrant(localCaller, sid);
    const [{ url, method, headers, form, token } = {}] = await client.arrivals(1);
    expect({ url, method, form }).toEqual({ url: "/logout", method: "POST", form: { logout_token: token } });
    expect(headers?.["content-type"]).toBe("application/x-www-form-urlencoded");
    expect(decodeProtectedHeader(token ?? "")).toEqual({ alg: "ES256", typ: "logout+jwt", kid: expect.any(String) });
    const keys = createLocalJWKSet(opened.service.jwks() as unknown as JSONWebKeySet);
    const at = { issuer: ISSUER, audience: clientId, typ: "logout+jwt", currentDate: new Date(NOW * 1000) };
    const { payload } = await jwtVerify(token ?? "", keys, at);
    expect(payload).toEqual({
      iss: ISSUER,
      aud: clientId,
      sub: "ada",
      sid,
      iat: NOW,
      exp: NOW + 120,
      jti: expect.stringMatching(/^[\w-]{36}$/),
      events: { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
  });

  it.each<[by: string, end: (service: TokenService, of: { sid: string; clientId: string }) => Promise<unknown>]>([
    ["of its session", (service, { sid }) => service.revokeGrant(localCaller, sid)],
    ["of its subject", (service) => service.revokeAll(localCaller, { kind: "subject", id: "ada" })],
  ])("follows a revocation %s", async (_, end) => {
    await using opened = await openService();
    await using client = await receiveLogouts();
    const session = await openSession(opened, client.url);
    await end(opened.service, session);
    const [{ claims } = {}] = await client.arrivals(1);
    expect(claims).toMatchObject({ sid: session.sid, sub: "ada" });
  });

  it("notifies each client of a session once, and no client of other sessions", async () => {
    await using opened = await openService();
    const { service, store } = opened;
    await using first = await receiveLogouts();
    await using second = await receiveLogouts((response) => response.writeHead(204).end());
    await using none = await receiveLogouts();
    const { sid } = await addSession(store);
    const { sid: other } = await addSession(store, { subject: "grace" });
    const clients = await Promise.all([first, second, none].map(({ url }) => addWeb(service, url)));
    const [a, b, c] = clients.map(({ clientId }) => clientId);
    for (const clientId of [a, a, b]) await addGrantOf(store, { sid, clientId: clientId ?? "" });
    await addGrantOf(store, { sid: other, clientId: c ?? "", subject: "grace" });
    await service.revokeGrant(localCaller, sid);
    await Promise.all([first.arrivals(1), second.arrivals(1)]);
    await soon(async () => expect(await store.takeLogouts(NOW + 86400, { limit: 9, lease: 1 })).toEqual([]));
    expect([first, second, none].map(({ received }) => received.length)).toEqual([1, 1, 0]);
  });

  it("sends nothing to a client that was removed, or that has no URI any more", async () => {
    await using opened = await openService();
    const { service, store } = opened;
    await using client = await receiveLogouts();
    const removed = await openSession(opened, client.url);
    await service.clients.remove(localCaller, removed.clientId);
    const changed = await openSession(opened, client.url);
    await service.clients.update(localCaller, { clientId: changed.clientId, backchannelLogoutUri: null });
    for (const { sid } of [removed, changed]) await service.revokeGrant(localCaller, sid);
    await soon(async () => expect(await store.takeLogouts(NOW + 86400, { limit: 9, lease: 1 })).toEqual([]));
    expect(client.received).toEqual([]);
  });

  it("is sent again, by another token, until the client acknowledges it", async () => {
    let postponed = 0;
    const wrap = (store: Store): Store => ({
      ...store,
      async postponeLogout(...parameters) {
        await store.postponeLogout(...parameters);
        postponed += 1;
      },
    });
    await using opened = await openService({ wrap });
    await using client = await receiveLogouts((response, attempt) =>
      response.writeHead(attempt < 3 ? 503 : 200).end("x".repeat(10_000)),
    );
    const { sid } = await openSession(opened, client.url);
    await opened.service.revokeGrant(localCaller, sid);
    await client.arrivals(1);
    // Only then is the next attempt's time known: the clock may go on.
    await soon(() => expect(postponed).toBe(1));
    await sleep(1200);
    // The first retry is due after 5 s, the second after another 10 s.
    expect(client.received).toHaveLength(1);
    opened.clock.now = NOW + 5;
    await client.arrivals(2);
    await soon(() => expect(postponed).toBe(2));
    opened.clock.now = NOW + 14;
    await sleep(1200);
    expect(client.received).toHaveLength(2);
    opened.clock.now = NOW + 15;
    await client.arrivals(3);
    await soon(async () => expect(await opened.store.takeLogouts(NOW + 86400, { limit: 9, lease: 1 })).toEqual([]));
    const { received } = client;
    expect(received.map(({ claims }) => claims.iat)).toEqual([NOW, NOW + 5, NOW + 15]);
    expect(new Set(received.map(({ claims }) => claims.jti)).size).toBe(3);
  });

  it("is dropped after a day, with one notice", async () => {
    const errors: [work: string, code: unknown][] = [];
    const onError = (work: string, error: unknown) => void errors.push([work, (error as { code: unknown }).code]);
    await using opened = await openService({ onError });
    await using client = await receiveLogouts((response) => response.writeHead(400).end());
    const { sid, clientId } = await openSession(opened, client.url);
    await opened.service.revokeGrant(localCaller, sid);
    const calls = (verb: string) =>
      opened.service.metrics
        .read()
        .store.get(verb)
        ?.counts.reduce((a, b) => a + b) ?? 0;
    for (let retry = 0; retry < 14; retry += 1) {
      await client.arrivals(retry + 1);
      await soon(() => expect(calls("postponeLogout")).toBe(retry + 1));
      opened.clock.now += 5 * 2 ** retry;
      // Any change of the store has due notices looked for.
      await opened.service.revokeGrant(localCaller, "another");
    }
    await soon(() => expect(errors).toEqual([[`notifying client ${clientId} of a logout, for a day`, "status 400"]]));
    const last = client.received.at(-1)?.claims.iat ?? 0;
    expect([last - NOW, client.received.length]).toEqual([81_915, 15]);
  });
});

describe("P26: back-channel logout", () => {
  it("follows no redirect", async () => {
    await using opened = await openService();
    await using lure = await countConnections();
    await using client = await receiveLogouts((response) => response.writeHead(307, { location: lure.url }).end());
    const { sid } = await openSession(opened, client.url);
    await opened.service.revokeGrant(localCaller, sid);
    await client.arrivals(1);
    opened.clock.now += 5;
    await client.arrivals(2);
    expect(lure.count().arrivals).toBe(0);
  });

  it.each(["https://127.0.0.1", "https://[::1]", "https://localhost", "https://10.1.2.3", "https://169.254.169.254"])(
    "connects to no private address, unless access is open: not to %s",
    async (origin) => {
      await using opened = await openService({ open: false });
      await using lure = await countConnections();
      const { sid } = await openSession(opened, `${origin}/logout`);
      await opened.service.revokeGrant(localCaller, sid);
      await soon(async () => {
        const [notice] = await opened.store.takeLogouts(NOW + 86400, { limit: 9, lease: 0 });
        expect(notice?.attempts).toBe(1);
      });
      expect(lure.count()).toEqual({ attempts: 0, arrivals: 0 });
    },
  );
});

describe("a client that hangs", () => {
  it("delays neither a request, nor other clients, nor the end of the service", async () => {
    const opened = await openService();
    await using hanging = await serveBytes(() => {});
    await using client = await receiveLogouts();
    try {
      const { service, store } = opened;
      const { sid } = await openSession(opened, `http://127.0.0.1:${hanging.port}/`);
      const { clientId } = await addWeb(service, client.url);
      await addGrantOf(store, { sid, clientId });
      const start = performance.now();
      await service.revokeGrant(localCaller, sid);
      await client.arrivals(1);
      expect(performance.now() - start).toBeLessThan(1500);
      await soon(() => expect(hanging.connections()).toBe(1));
    } finally {
      const start = performance.now();
      await opened[Symbol.asyncDispose]();
      expect(performance.now() - start).toBeLessThan(1000);
    }
  });
});

function describeTwo(openTwo: (options: TwoOptions) => Promise<TwoServices>): void {
  it("send a notice once, whichever of them revokes", async () => {
    const stores: Store[] = [];
    const wrap = (store: Store) => {
      stores.push(store);
      return store;
    };
    await using two = await openTwo({ open: true, wrap });
    await using client = await receiveLogouts();
    const [store] = stores;
    if (store === undefined) throw new Error("No store was opened");
    for (const by of [two.here, two.there]) {
      const { clientId } = await addWeb(two.here, client.url);
      const { sid } = await addSession(store);
      await addGrantOf(store, { sid, clientId });
      await by.revokeGrant(localCaller, sid);
    }
    await client.arrivals(2);
    await soon(async () => expect(await store.takeLogouts(NOW + 86400, { limit: 9, lease: 1 })).toEqual([]));
    await sleep(1200);
    expect(client.received).toHaveLength(2);
  });
}

describe("two servers on SQLite", () => describeTwo(openTwoOnSqlite));
describePostgres("two servers on PostgreSQL", () => describeTwo(openTwoOnPostgres));
