import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createVerifier, type Verifier } from "../../src/verifier/verifier.ts";
import { basic, callAs } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { type Parameters, postForm } from "../support/oauth.ts";
import { ISSUER, openServer } from "../support/service.ts";
import { verdictOf } from "../support/verifier.ts";

let server: Awaited<ReturnType<typeof openServer>>;
let client: Awaited<ReturnType<typeof addClient>>;
let other: typeof client;
let posting: typeof client;
let verifier: Verifier;
beforeAll(async () => {
  server = await openServer({ open: false, replayWindow: 10 });
  const rights = { permissions: ["issue"], scopes: ["read", "write"], audiences: ["orders", "stock", "mail"] } as const;
  client = await addClient(server.service, rights);
  other = await addClient(server.service, rights);
  posting = await addClient(server.service, { ...rights, authMethod: "client_secret_post" });
  const credentials = await addClient(server.service, { permissions: ["follow_events"] });
  const clock = () => server.clock.now;
  verifier = createVerifier({ issuer: ISSUER, audience: ISSUER, url: server.url, credentials, clock });
  await verifier.ready;
});
afterAll(async () => {
  verifier.close();
  await server[Symbol.asyncDispose]();
});

type Renewed = { token: string; refreshToken: string };

/** A grant of the procedures. */
async function newGrant(input: object = {}): Promise<Renewed> {
  const call = { procedure: "getToken", input: { refreshable: true, ...input }, authorization: basic(client) };
  return (await callAs(server.url, call)).data as Renewed;
}

const request = (refreshToken: string, more: Parameters = {}, as: typeof client | undefined = client) =>
  postForm(server.url, "token", {
    as,
    parameters: { grant_type: "refresh_token", refresh_token: refreshToken, ...more },
  });

/** Renews by the endpoint, or by the procedure. */
const refreshBy = {
  async endpoint(refreshToken: string): Promise<Renewed | string> {
    const { json } = await request(refreshToken);
    if (json.error_reason !== undefined) return String(json.error_reason);
    return { token: String(json.access_token), refreshToken: String(json.refresh_token) };
  },
  async procedure(refreshToken: string): Promise<Renewed | string> {
    const call = { procedure: "refreshToken", input: { refreshToken }, authorization: basic(client) };
    const { data, error } = await callAs(server.url, call);
    return error === undefined ? (data as Renewed) : error.data.reason;
  },
};
const ORDERS = [
  ["endpoint", "procedure"],
  ["procedure", "endpoint"],
  ["endpoint", "endpoint"],
] as const;

const settled = (token: string, verdict: string) =>
  expect.poll(() => verdictOf(verifier.verify(token)), { timeout: 5000, interval: 5 }).toBe(verdict);

function isRenewed(outcome: Renewed | string): asserts outcome is Renewed {
  expect(outcome).toEqual(expect.objectContaining({ refreshToken: expect.any(String) }));
}

describe("P20: the race of refreshes", () => {
  it.each(ORDERS)("returns one successor within the replay window: %s, then %s", async (first, second) => {
    const { refreshToken } = await newGrant();
    const renewed = await refreshBy[first](refreshToken);
    isRenewed(renewed);
    server.clock.now += 9;
    const again = await refreshBy[second](refreshToken);
    isRenewed(again);
    expect(again.refreshToken).toBe(renewed.refreshToken);
    expect(await refreshBy[first](renewed.refreshToken)).toMatchObject({ token: expect.any(String) });
  });

  it("returns one successor to requests at the same time", async () => {
    const { refreshToken } = await newGrant();
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => refreshBy.endpoint(refreshToken)));
    expect(new Set(outcomes.map((one) => (typeof one === "string" ? one : one.refreshToken))).size).toBe(1);
    isRenewed(outcomes[0] ?? "");
  });

  it.each(ORDERS)(
    "revokes the grant after the window, and followers receive it: %s, then %s",
    async (first, second) => {
      const { token, refreshToken } = await newGrant();
      const renewed = await refreshBy[first](refreshToken);
      isRenewed(renewed);
      await settled(renewed.token, "accepted");
      server.clock.now += 11;
      expect(await refreshBy[second](refreshToken)).toBe("invalid_refresh_token");
      await settled(token, "token_revoked");
      await settled(renewed.token, "token_revoked");
      expect(await refreshBy[first](renewed.refreshToken)).toBe("invalid_refresh_token");
    },
  );
});

describe("P20: a refresh without the client of the grant", () => {
  it.each<[name: string, as: () => Parameters & { as?: typeof client }, status: number]>([
    ["no credentials", () => ({}), 401],
    ["a wrong secret", () => ({ as: { ...client, clientSecret: "wrong" } }), 401],
    ["another client", () => ({ as: other }), 400],
    ["another client in the form", () => ({ client_id: posting.clientId, client_secret: posting.clientSecret }), 400],
    ["an id alone", () => ({ client_id: client.clientId }), 401],
  ])("by %s is refused, and consumes nothing", async (_name, credentials, status) => {
    const { refreshToken } = await newGrant();
    const { as, ...inForm } = credentials();
    const parameters = { grant_type: "refresh_token", refresh_token: refreshToken, ...inForm };
    const { json, ...refused } = await postForm(server.url, "token", { as, parameters });
    expect([refused.status, json.error]).toEqual([status, status === 401 ? "invalid_client" : "invalid_grant"]);
    server.clock.now += 11;
    isRenewed(await refreshBy.endpoint(refreshToken));
  });
});

describe("P21: the resource of a refresh", () => {
  const audience = ["orders", "stock"];

  it.each([
    ["orders", "orders"],
    ["stock", "stock"],
    [
      ["stock", "orders"],
      ["stock", "orders"],
    ],
    [["stock", "stock"], "stock"],
  ])("%j narrows the audience of the access token alone", async (resource, aud) => {
    const { refreshToken } = await newGrant({ audience });
    const { json } = await request(refreshToken, { resource });
    expect(decodeJwt(String(json.access_token)).aud).toEqual(aud);
    const { json: next } = await request(String(json.refresh_token));
    expect(decodeJwt(String(next.access_token)).aud).toEqual(audience);
  });

  it.each<[resource: string | string[]]>([
    ["mail"],
    ["unknown"],
    [["orders", "mail"]],
    ["orders#"],
    ["ORDERS"],
    ["orders "],
    ["\0"],
    [Array.from({ length: 20 }, (_, at) => `r${at}`)],
  ])("%j, which was not granted, is refused, and the refresh token not consumed", async (resource) => {
    const { refreshToken } = await newGrant({ audience });
    const { status, json } = await request(refreshToken, { resource });
    expect([status, json.error, json.error_reason]).toEqual([400, "invalid_target", "invalid_target"]);
    server.clock.now += 11;
    isRenewed(await refreshBy.endpoint(refreshToken));
  });

  it.each<[resource: string | string[]]>([["unknown"], ["orders#"], [["orders", "unknown"]], ["*"], ["\0"]])(
    "%j at client_credentials is refused unless it is known",
    async (resource) => {
      const parameters = { grant_type: "client_credentials", resource };
      const { status, json } = await postForm(server.url, "token", { as: client, parameters });
      expect([status, json.error]).toEqual([400, "invalid_target"]);
    },
  );
});

describe("P22: the scope of a refresh", () => {
  it("narrows that of the access token, and never exceeds the granted one", async () => {
    const { refreshToken } = await newGrant({ scope: "read write" });
    const { json } = await request(refreshToken, { scope: "read" });
    expect(json.scope).toBe("read");
    const { json: next } = await request(String(json.refresh_token));
    expect(next.scope).toBe("read write");
  });

  it.each(["write", "read write", "read admin", "READ", "openid"])(
    "%j, which was not granted, is refused",
    async (scope) => {
      const { refreshToken } = await newGrant({ scope: "read" });
      const { status, json } = await request(refreshToken, { scope });
      expect([status, json.error, json.error_reason]).toEqual([400, "invalid_scope", "permission_denied"]);
      server.clock.now += 11;
      isRenewed(await refreshBy.endpoint(refreshToken));
    },
  );
});
