import { describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { basic, callAs } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { follow } from "../support/follow.ts";
import { scrape } from "../support/metrics.ts";
import { call, send } from "../support/request.ts";
import { NOW, openServer } from "../support/service.ts";
import { openServerOnLeavable } from "../support/store-away.ts";

const DAY = 86400;

async function tokenFrom(url: string, input: object = {}): Promise<string> {
  return ((await call(url, "getToken", input)).data as { token: string }).token;
}

describe("the metrics", () => {
  it("count issued tokens, and verifications by outcome", async () => {
    await using server = await openServer();
    const token = await tokenFrom(server.url);
    const orders = await tokenFrom(server.url, { audience: "orders", refreshable: true });
    for (const input of [token, token, `${token}x`, orders]) await call(server.url, "verifyToken", { token: input });
    await call(server.url, "verifyToken", { token, scope: "orders:write" });
    await call(server.url, "revokeToken", { token });
    await call(server.url, "verifyToken", { token });
    server.clock.now += DAY;
    await call(server.url, "verifyToken", { token: orders, audience: "orders" });
    const { of } = await scrape(server.url);
    expect(of('tokens_issued_total{procedure="getToken"}')).toBe(2);
    const outcomes = { valid: 2, invalid_token: 1, wrong_audience: 1, insufficient_scope: 1, token_revoked: 1 };
    for (const [outcome, count] of Object.entries({ ...outcomes, token_expired: 1, verifier_stale: 0 })) {
      expect(of(`tokens_verified_total{outcome="${outcome}"}`), outcome).toBe(count);
    }
  });

  it("count refreshed tokens, and revocations by kind", async () => {
    await using server = await openServer();
    const { data } = await call(server.url, "getToken", { refreshable: true });
    const { token, refreshToken } = data as { token: string; refreshToken: string };
    await call(server.url, "refreshToken", { refreshToken });
    const { clientId } = await addClient(server.service);
    await call(server.url, "revokeToken", { token });
    await call(server.url, "revokeToken", { token: refreshToken });
    await call(server.url, "revoke", { subject: "ada" });
    await call(server.url, "clients.remove", { clientId });
    const [key] = await server.service.keys.list(localCaller);
    await call(server.url, "revoke", { keyId: key?.kid });
    const { of } = await scrape(server.url);
    expect(of('tokens_issued_total{procedure="refreshToken"}')).toBe(1);
    for (const kind of ["token", "session", "subject", "client", "key"]) {
      expect(of(`revocations_total{kind="${kind}"}`), kind).toBe(1);
    }
    expect(of("revocations_held")).toBe(4);
    expect(of('keys{state="removed"}')).toBe(1);
  });

  it("contain the age of the signing key, and the time until its replacement", async () => {
    await using server = await openServer({ rotation: 10 * DAY });
    server.clock.now += DAY;
    const first = await scrape(server.url);
    expect(first.of("signing_key_age_seconds")).toBe(DAY);
    expect(first.of("signing_key_remaining_seconds")).toBe(9 * DAY);
    await server.service.keys.rotate(localCaller, { immediate: false });
    const second = await scrape(server.url);
    expect(second.of("signing_key_remaining_seconds")).toBe(660);
    expect(second.of('keys{state="pending"}')).toBe(1);
    await server.service.keys.rotate(localCaller, { immediate: true });
    expect((await scrape(server.url)).of("signing_key_age_seconds")).toBe(0);
    await using shared = await openServer({ secret: "correct horse battery staple, twice over" });
    expect((await scrape(shared.url)).of("signing_key_age_seconds")).toBeUndefined();
  });

  it("time database calls by verb in a histogram, and count failures", async () => {
    await using server = await openServer();
    await tokenFrom(server.url);
    const { of } = await scrape(server.url);
    const count = of('store_duration_seconds_count{verb="appendAudit"}');
    expect(count).toBe(1);
    expect(of('store_duration_seconds_bucket{le="+Inf",verb="appendAudit"}')).toBe(count);
    expect(of('store_duration_seconds_bucket{le="2",verb="appendAudit"}')).toBe(count);
    expect(of('store_duration_seconds_sum{verb="appendAudit"}')).toBeGreaterThan(0);
    expect(of('store_failures_total{verb="appendAudit"}')).toBe(0);
  });

  it("contain followers, the age of the revocation data, and metrics of the process", async () => {
    await using server = await openServer();
    const pending = fetch(`${server.url}/trpc/events`);
    const { body } = await pending;
    const reader = body?.getReader();
    await reader?.read();
    const { of, values } = await scrape(server.url);
    expect(of("feed_followers")).toBe(1);
    expect(of("feed_lag_changes")).toBe(0);
    expect(of("trust_age_seconds")).toBeLessThan(2);
    for (const name of ["process_resident_memory_bytes", "nodejs_eventloop_lag_p99_seconds", "process_open_fds"]) {
      expect(values.get(name), name).toBeGreaterThan(0);
    }
    expect([...values.values()].filter(Number.isNaN)).toEqual([]);
    await reader?.cancel();
  });

  it("count requests by route and class of status, with no name from a caller", async () => {
    await using server = await openServer();
    const before = await scrape(server.url);
    const strange = ["/x", "/trpc/x", "/trpc/getToken,getToken?batch=1", "/trpc/__proto__", "/constructor", '/"}\\n'];
    for (let at = 0; at < 200; at += 1) strange.push(`/unknown-${at}`, `/trpc/unknown-${at}`);
    for (const path of strange) await send(`${server.url}${path}`);
    const kid = Buffer.from('{"alg":"ES256","typ":"at+jwt","kid":"cardinality"}').toString("base64url");
    await call(server.url, "verifyToken", { token: `${kid}.e30.AA` });
    await callAs(server.url, {
      procedure: "getToken",
      authorization: basic({ clientId: "cardinality", clientSecret: "x" }),
    });
    await follow(server.url, { after: "cardinality" });
    const { of, values, text } = await scrape(server.url);
    expect(of('http_requests_total{route="unknown",status="4xx"}')).toBe(203);
    expect(of('http_requests_total{route="/trpc/",status="4xx"}')).toBe(202);
    expect(of('http_requests_total{route="/trpc/",status="2xx"}')).toBe(1);
    expect(text).not.toMatch(/cardinality|unknown-|proto|constructor/);
    expect(values.size - before.values.size).toBeLessThan(100);
  });
});

describe("access to the metrics", () => {
  it("requires a client with the permission, where access is for clients", async () => {
    await using server = await openServer({ open: false });
    const reader = await addClient(server.service, { permissions: ["read_metrics"] });
    const other = await addClient(server.service, { permissions: ["issue"] });
    expect((await scrape(server.url)).headers["www-authenticate"]).toMatch(/^Basic /);
    const wrong = { ...reader, clientSecret: "wrong" };
    const answers = [undefined, wrong, other, reader].map((client) =>
      scrape(server.url, client && { authorization: basic(client) }),
    );
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([401, 401, 403, 200]);
    const { records } = await server.service.audit.list(localCaller, { action: "metrics", limit: 10 });
    expect(records).toMatchObject([{ clientId: other.clientId, outcome: "refused", at: NOW }]);
  });

  it("continues for the client admitted last while the database is down, and for no other", async () => {
    await using server = await openServerOnLeavable();
    const reader = await addClient(server.service, { permissions: ["read_metrics"] });
    const late = await addClient(server.service, { permissions: ["read_metrics"] });
    const asked = async (client?: typeof reader) =>
      (await scrape(server.url, client && { authorization: basic(client) })).status;
    expect(await asked(reader)).toBe(200);
    server.leave();
    expect(await Promise.all([asked(reader), asked(late), asked()])).toEqual([200, 503, 401]);
    expect(await asked({ ...reader, clientSecret: `${reader.clientSecret}x` })).toBe(503);
    server.comeBack();
    await server.service.clients.remove(localCaller, reader.clientId);
    expect(await asked(reader)).toBe(401);
    server.leave();
    expect(await asked(reader)).toBe(503);
    server.comeBack();
  });
});
