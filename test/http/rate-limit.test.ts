import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { basic, type Credentials, callAs } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { openServer } from "../support/service.ts";

/** Failures within a minute after which one client at one address, and an address as a whole, are refused limited. */
const OF_CLIENT = 10;
const OF_ADDRESS = 100;

/** Linux answers on all of 127.0.0.0/8; elsewhere only the first address of it is there. */
const hasOtherAddresses = process.platform === "linux";
const ELSEWHERE = "127.0.0.2";

let server: Awaited<ReturnType<typeof openServer>>;
let client: Credentials;
let other: Credentials;
beforeEach(async () => {
  server = await openServer({ open: false });
  client = await addClient(server.service, { permissions: ["issue"] });
  other = await addClient(server.service, { permissions: ["issue"] });
});
afterEach(() => server[Symbol.asyncDispose]());

type Manner = { from?: string; calls?: number };

function getToken(credentials: Credentials, { from, calls = 1 }: Manner = {}) {
  const procedure = Array(calls).fill("getToken").join(",");
  return callAs(server.url, { procedure, authorization: basic(credentials), ...(from && { from }) });
}

/** Fails for a client as often as given, one call after the other. */
async function guess(clientId: string, times: number) {
  const reasons = [];
  for (let at = 0; at < times; at += 1) {
    reasons.push((await getToken({ clientId, clientSecret: `guess ${at}` })).reason);
  }
  return reasons;
}

/** Fails for so many clients that the address as a whole is refused. */
async function exhaustAddress() {
  for (let at = 0; at < OF_ADDRESS / OF_CLIENT; at += 1) await guess(`nobody ${at}`, OF_CLIENT);
}

const rejected = (times: number) => Array(times).fill("invalid_client");
const limited = (times: number) => Array(times).fill("too_many_attempts");

describe("failed attempts", () => {
  it("are rejected without a look-up after ten, with Retry-After", async () => {
    expect(await guess(client.clientId, OF_CLIENT)).toEqual(rejected(OF_CLIENT));
    const { status, reason, error, headers } = await getToken({ ...client, clientSecret: "x" });
    expect({ status, reason, code: error?.data.code }).toEqual({
      status: 429,
      reason: "too_many_attempts",
      code: "TOO_MANY_REQUESTS",
    });
    expect(headers["retry-after"]).toMatch(/^([1-9]|[1-5]\d|60)$/);
    expect(headers).not.toHaveProperty("www-authenticate");
  });

  it("are counted alike for known and unknown clients", async () => {
    expect(await guess(client.clientId, 12)).toEqual(await guess("nobody", 12));
  });

  it("are counted by call, not by request: a batch gains nothing", async () => {
    const { reasons, headers } = await getToken({ ...client, clientSecret: "x" }, { calls: OF_CLIENT + 1 });
    expect(reasons.toSorted()).toEqual([...rejected(OF_CLIENT), ...limited(1)]);
    expect(headers["retry-after"]).toMatch(/^\d+$/);
  });

  it("are counted one by one where they are concurrent", async () => {
    const guesses = Array.from({ length: 30 }, (_, at) => ({ ...client, clientSecret: `guess ${at}` }));
    const outcomes = guesses.map((guess) =>
      server.service.authenticate(guess, "192.0.2.1").catch(({ reason }) => reason),
    );
    expect((await Promise.all(outcomes)).toSorted()).toEqual([...rejected(OF_CLIENT), ...limited(20)]);
  });

  it("are counted by address too, for any client", async () => {
    await exhaustAddress();
    expect(await guess("nobody else", 1)).toEqual(limited(1));
  });

  it("do not include successful calls, in a batch or in sequence", async () => {
    expect((await getToken(client, { calls: 50 })).reasons).toEqual(Array(50).fill("served"));
    for (let at = 0; at < 3; at += 1) await getToken(other, { calls: 50 });
    expect(await guess(client.clientId, 1)).toEqual(rejected(1));
  });
});

describe("a client whose secret is guessed", () => {
  it("is still served from an address where it has authenticated", async () => {
    expect(await getToken(client)).toMatchObject({ reason: "served" });
    await guess(client.clientId, 2 * OF_CLIENT);
    expect(await getToken(client)).toMatchObject({ reason: "served" });
    await exhaustAddress();
    expect(await getToken(client)).toMatchObject({ reason: "served" });
  });

  it("does not block another client of the address, before the limit of the address", async () => {
    await guess(client.clientId, 2 * OF_CLIENT);
    expect(await getToken(other)).toMatchObject({ reason: "served" });
  });

  it("has to wait at a new address, even with the right secret", async () => {
    await guess(client.clientId, OF_CLIENT);
    expect(await getToken(client)).toMatchObject({ status: 429, reason: "too_many_attempts" });
  });

  it.runIf(hasOtherAddresses)("is served at any other address", async () => {
    await guess(client.clientId, OF_CLIENT);
    expect(await getToken(client, { from: ELSEWHERE })).toMatchObject({ reason: "served" });
    await exhaustAddress();
    expect(await getToken(other)).toMatchObject({ reason: "too_many_attempts" });
    expect(await getToken(other, { from: ELSEWHERE })).toMatchObject({ reason: "served" });
  });
});
