import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { basic, callAs } from "../support/call-as.ts";
import { addChosenClient, addClient } from "../support/clients.ts";
import { send } from "../support/request.ts";
import { openServer } from "../support/service.ts";

const SPECIAL = { clientId: "a:b c/ü%+&=日本", clientSecret: "s:e cr+et%20/ß&=?#𝄞" };

const encoded = (text: string | Uint8Array) => `Basic ${Buffer.from(text).toString("base64")}`;

// Every test has a server of its own, so that none is refused unheard for the failures of another.
let server: Awaited<ReturnType<typeof openServer>>;
let right: string;
beforeEach(async () => {
  server = await openServer({ open: false });
  right = basic(await addClient(server.service, { permissions: ["issue"] }));
  await addChosenClient(server.store, SPECIAL);
});
afterEach(() => server[Symbol.asyncDispose]());

const getToken = (authorization: string | string[]) => callAs(server.url, { procedure: "getToken", authorization });

describe("HTTP Basic credentials", () => {
  it.each(["Basic", "basic", "BASIC", "bAsIc"])("are read with a scheme in any case: %s", async (scheme) => {
    expect(await getToken(right.replace("Basic", scheme))).toMatchObject({ reason: "served" });
  });

  it("are form-decoded, with either encoding of a space (RFC 6749 §2.3.1)", async () => {
    const form = (text: string) => new URLSearchParams({ "": text }).toString().slice(1);
    const { clientId, clientSecret } = SPECIAL;
    for (const authorization of [basic(SPECIAL), encoded(`${form(clientId)}:${form(clientSecret)}`)]) {
      expect(await getToken(authorization)).toMatchObject({ reason: "served" });
    }
  });

  it("have no colon in an id that is not form-encoded", async () => {
    const { clientId, clientSecret } = SPECIAL;
    expect(await getToken(encoded(`${clientId}:${clientSecret}`))).toMatchObject({ status: 401 });
  });

  it.each([
    ["as openssl makes them", "uNG+w/8xk1mX+SLxG0Z/9p6+qPk="],
    ["with a percent sign", "100%"],
    ["with what is no encoding", "%zz%4"],
    ["with what is an encoding", "%41%2B%25"],
    ["with an encoding that is not UTF-8", "%E9%ff"],
    ["with a space and a plus", "a b+c"],
    ["with colons", ":a:b+:"],
    ["beyond ASCII", "pässwörd+日本𝄞"],
    ["of a plus", "+"],
    ["of a percent sign", "%"],
    ["of the greatest length", "+".repeat(255)],
  ])("are accepted as they are and form-encoded: a secret %s", async (_name, clientSecret) => {
    const client = { clientId: "prometheus", clientSecret };
    await addChosenClient(server.store, client, { permissions: ["issue", "read_metrics"] });
    for (const authorization of [encoded(`prometheus:${clientSecret}`), basic(client)]) {
      expect(await getToken(authorization)).toMatchObject({ reason: "served" });
      const { status } = await send(`${server.url}/metrics`, { headers: { authorization } });
      expect(status).toBe(200);
    }
    for (const wrong of [`${clientSecret}x`, ` ${clientSecret}`])
      expect(await getToken(encoded(`prometheus:${wrong}`))).toMatchObject({ status: 401 });
  });

  it("are accepted as they are with an id that has a plus or a percent sign", async () => {
    for (const clientId of ["a+b", "50%", "%41"]) {
      const client = { clientId, clientSecret: "s+%" };
      await addChosenClient(server.store, client);
      for (const authorization of [encoded(`${clientId}:s+%`), basic(client)])
        expect(await getToken(authorization)).toMatchObject({ reason: "served" });
      // One part is never decoded without the other.
      expect(await getToken(encoded(`${encodeURIComponent(clientId)}:s+%`))).toMatchObject({ status: 401 });
    }
  });

  it("with two readings are one attempt, and of no other client", async () => {
    await addChosenClient(server.store, { clientId: "other", clientSecret: "a b" });
    await addChosenClient(server.store, { clientId: "mine", clientSecret: "a+b" });
    for (const [pair, reason] of [
      ["other:a+b", "served"],
      ["mine:a+b", "served"],
      ["mine:a%2Bb", "served"],
      ["mine:a b", "invalid_client"],
    ] as const)
      expect([pair, (await getToken(encoded(pair))).reason]).toEqual([pair, reason]);
    const guesses: (string | undefined)[] = [];
    for (let guess = 0; guess < 11; guess += 1) guesses.push((await getToken(encoded(`nobody:${guess}+%41`))).reason);
    expect(guesses).toEqual([...Array(10).fill("invalid_client"), "too_many_attempts"]);
  });

  it("are accepted without the padding of their base64", async () => {
    expect(await getToken(right.replace(/=+$/, ""))).toMatchObject({ reason: "served" });
  });

  it.each<[string, string | string[]]>([
    ["nothing", ""],
    ["a scheme alone", "Basic"],
    ["a scheme and a space", "Basic "],
    ["text that is no base64", "Basic !!!!"],
    ["base64 with text behind it", `${basic(SPECIAL)} x`],
    ["base64url", "Basic YTpi_-8"],
    ["padding alone", "Basic ===="],
    ["a space within the base64", "Basic YT pi"],
    ["no colon", encoded("nobody")],
    ["a colon alone", encoded(":")],
    ["an empty id", encoded(":secret")],
    ["an empty secret", encoded("nobody:")],
    ["half a percent-encoding", encoded("nobody%:x%2")],
    ["a percent-encoding that is not UTF-8", encoded("nobody:%ff%fe")],
    ["the percent-encoding of a surrogate", encoded("nobody:%ed%a0%80")],
    ["bytes that are not UTF-8", encoded(Uint8Array.of(0xff, 0xfe, 0x3a, 0xc0, 0x80))],
    ["a NUL", encoded("no\0body:x\0")],
    ["a NUL, encoded", encoded("no%00body:x%00")],
    ["an id of 10 KB", encoded(`${"x".repeat(7_000)}:secret`)],
    ["a secret of 10 KB", encoded(`nobody:${"x".repeat(7_000)}`)],
    ["10 KB of percent-encodings", encoded(`nobody:${"%00".repeat(2_300)}`)],
    ["10 KB of spaces", `Basic${" ".repeat(10_000)}`],
    ["characters beyond ASCII", "Basic \u00fc\u00df"],
    ["the scheme Bearer", `Bearer ${basic(SPECIAL).slice(6)}`],
    ["the scheme Basically", basic(SPECIAL).replace("Basic", "Basically")],
    ["two headers that are wrong", [encoded("nobody:x"), encoded("nobody:y")]],
  ])("are rejected like wrong ones, with 401: %s", async (_name, authorization) => {
    const { status, reason, headers, text } = await getToken(authorization);
    expect({ status, reason }).toEqual({ status: 401, reason: "invalid_client" });
    expect(headers["www-authenticate"]).toMatch(/^Basic /);
    expect(text).toBe((await getToken(encoded("nobody:x"))).text);
  });

  it("are rejected if repeated, since a proxy may have read the other", async () => {
    for (const both of [
      [right, encoded("nobody:x")],
      [encoded("nobody:x"), right],
      [right, right],
    ]) {
      expect(await getToken(both)).toMatchObject({ status: 401 });
    }
  });
});
