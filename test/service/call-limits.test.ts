import { describe, expect, it } from "vitest";
import { createTokenRouter } from "../../src/router/router.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { resolveOptions } from "../../src/service/options.ts";
import type { TokenService } from "../../src/service/service.ts";
import type { RateLimits } from "../../src/service/throttle/call-limits.ts";
import type { Credentials } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { openService } from "../support/service.ts";

const ADDRESS = "192.0.2.1";
const off = { perClient: 0, perAddress: 0 };

type Limits = { [Rate in keyof RateLimits]?: Partial<RateLimits[Rate]> };
const limited = ({ issue, verify }: Limits): RateLimits => ({
  issue: { ...off, ...issue },
  verify: { ...off, ...verify },
});

/** The procedures of a service, called by a client from an address. */
function as(service: TokenService, credentials?: Credentials, address = ADDRESS) {
  return createTokenRouter(service).createCaller({
    address,
    authenticate: (rate) => service.authenticate(credentials, address, rate),
  });
}

/** The reason of a refused call, or `served`. */
async function outcome(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => "served",
    ({ cause }) => cause.reason,
  );
}

async function outcomes(count: number, call: () => Promise<unknown>) {
  const all = [];
  for (let at = 0; at < count; at += 1) all.push(await outcome(call()));
  return all;
}

const EVERYTHING = { permissions: ["admin"], anySubject: true } as const;

describe("rate limits", () => {
  it("count getToken and refreshToken together, by client", async () => {
    await using opened = await openService({ open: false, rateLimits: limited({ issue: { perClient: 3 } }) });
    const { service, clock } = opened;
    const ada = as(service, await addClient(service, EVERYTHING));
    const eve = as(service, await addClient(service, EVERYTHING), "192.0.2.2");
    const { refreshToken = "" } = await ada.getToken({ claims: {}, refreshable: true });
    expect(await outcomes(3, () => ada.refreshToken({ refreshToken }))).toEqual(["served", "served", "rate_limited"]);
    expect(await outcome(ada.getToken())).toBe("rate_limited");
    expect(await outcome(eve.getToken())).toBe("served");
    expect(await outcome(ada.keys.list())).toBe("served");
    clock.now += 60;
    expect(await outcome(ada.getToken())).toBe("served");
  });

  it("count a public client by address: a stranger who presents its id locks out nobody elsewhere", async () => {
    await using opened = await openService({ open: false, rateLimits: limited({ issue: { perClient: 2 } }) });
    const { service } = opened;
    const { clientId } = await addClient(service, { authMethod: "none", redirectUris: ["https://app.example/"] });
    const from = (address: string) => service.authenticate({ method: "none", clientId }, address, "issue");
    const reasons = await outcomes(3, () => from(ADDRESS).catch((cause) => Promise.reject({ cause })));
    expect(reasons).toEqual(["served", "served", "rate_limited"]);
    await expect(from("192.0.2.2")).resolves.toMatchObject({ clientId });
  });

  it("count verifyToken and introspectToken together, by address, for valid and invalid tokens", async () => {
    await using opened = await openService({ open: false, rateLimits: limited({ verify: { perAddress: 4 } }) });
    const { service } = opened;
    const ada = as(service, await addClient(service, EVERYTHING));
    const { token } = await service.getToken(localCaller, { claims: {} });
    expect(await outcome(ada.verifyToken({ token }))).toBe("served");
    expect(await outcome(ada.verifyToken({ token: "bad" }))).toBe("invalid_token");
    expect(await outcomes(3, () => ada.introspectToken({ token }))).toEqual(["served", "served", "rate_limited"]);
    expect(await outcome(ada.verifyToken({ token }))).toBe("rate_limited");
    expect(await outcome(as(service, undefined, "192.0.2.2").verifyToken({ token }))).toBe("served");
    expect(await outcome(ada.getToken())).toBe("served");
  });

  it("count all of an IPv6 network as one address", async () => {
    await using opened = await openService({ open: false, rateLimits: limited({ verify: { perAddress: 1 } }) });
    const { service } = opened;
    const { token } = await service.getToken(localCaller, { claims: {} });
    const from = (address: string) =>
      outcome(service.verifyToken({ token }, address).catch((cause) => Promise.reject({ cause })));
    expect(await from("2001:db8::1")).toBe("served");
    expect(await from("2001:db8::ffff:1")).toBe("rate_limited");
    expect(await from("2001:db8:0:1::1")).toBe("served");
  });

  it("refuse an address before its credentials are verified", async () => {
    await using opened = await openService({ open: false, rateLimits: limited({ issue: { perAddress: 1 } }) });
    const { service } = opened;
    const guesser = as(service, { clientId: "nobody", clientSecret: "x" });
    expect(await outcomes(12, () => guesser.getToken())).toEqual(["invalid_client", ...Array(11).fill("rate_limited")]);
  });

  it("return the seconds to wait, and are counted in the audit log by address", async () => {
    await using opened = await openService({ open: false, rateLimits: limited({ verify: { perAddress: 1 } }) });
    const { service, clock } = opened;
    clock.now += 25;
    await service.verifyToken({ token: "bad" }, ADDRESS).catch(() => {});
    await expect(service.verifyToken({ token: "bad" }, ADDRESS)).rejects.toMatchObject({
      reason: "rate_limited",
      retryAfter: 35,
    });
    await service.maintenance();
    const { records } = await service.audit.list(localCaller, { limit: 1 });
    expect(records).toMatchObject([{ reason: "rate_limited", address: ADDRESS, count: 1 }]);
  });

  it("are off by default where access is open", async () => {
    await using open = await openService();
    const { token } = await open.service.getToken(localCaller, { claims: {} });
    for (let at = 0; at < 1000; at += 1) await open.service.verifyToken({ token }, ADDRESS);
    await using set = await openService({ rateLimits: limited({ issue: { perClient: 1 } }) });
    expect(await outcomes(2, () => as(set.service).getToken())).toEqual(["served", "rate_limited"]);
  });

  it("are high by default where access is for clients", () => {
    expect(resolveOptions({ open: false }).rateLimits).toEqual({
      issue: { perClient: 30_000, perAddress: 60_000 },
      verify: { perClient: 300_000, perAddress: 600_000 },
    });
  });
});
