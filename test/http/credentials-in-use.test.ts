import fc from "fast-check";
import pino from "pino";
import { describe, expect, it } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { listen } from "../../src/http/listen.ts";
import { credentialsOf } from "../../src/http/request/client.ts";
import { createRequestHandler } from "../../src/http/server.ts";
import { anyCharacter } from "../support/any-character.ts";
import { basic, callAs } from "../support/call-as.ts";
import { addChosenClient, addClient, newClient } from "../support/clients.ts";
import { openServer, openService } from "../support/service.ts";

describe("createTokenClient", () => {
  it("calls as a client with any characters in its id and secret", async () => {
    await using server = await openServer({ open: false });
    const credentials = { clientId: "a:b c/ü%+&=日本", clientSecret: "s:e cr+et%20/ß&=?#𝄞" };
    await addChosenClient(server.store, credentials);
    const client = createTokenClient({ url: server.url, credentials });
    const { token } = await client.getToken.query();
    expect(await client.verifyToken.mutate({ token })).toMatchObject({ client_id: credentials.clientId });
    await expect(client.keys.list.query()).rejects.toMatchObject({ data: { reason: "permission_denied" } });
    const stranger = createTokenClient({ url: server.url, credentials: { ...credentials, clientSecret: "x" } });
    await expect(stranger.getToken.query()).rejects.toMatchObject({ data: { reason: "invalid_client" } });
  });

  it("encodes every id and secret so that they decode to the same", async () => {
    const seen: unknown[] = [];
    const reader = await listen({
      host: "127.0.0.1",
      port: 0,
      prepare: async () => ({
        listener: (request, response) => {
          seen.push(credentialsOf(request));
          response.end("{}");
        },
        close: async () => {},
      }),
    });
    const text = fc.string({ unit: anyCharacter, minLength: 1, maxLength: 100 });
    const pairs = fc.array(fc.record({ clientId: text, clientSecret: text }), { minLength: 10, maxLength: 20 });
    const property = fc.asyncProperty(pairs, async (sent) => {
      seen.length = 0;
      const clients = sent.map((credentials) => createTokenClient({ url: reader.origin, credentials }));
      await Promise.allSettled(clients.map((client) => client.getToken.query()));
      expect(seen).toHaveLength(sent.length);
      expect(seen).toEqual(expect.arrayContaining(sent.map((pair) => expect.objectContaining(pair))));
    });
    await fc.assert(property, { numRuns: 5 }).finally(reader.close);
  });
});

describe("a secret", () => {
  it("is in the answer that creates it, in no other answer and in no line of the log", async () => {
    const lines: string[] = [];
    await using opened = await openService({ open: false });
    const logger = pino({ level: "trace" }, { write: (line: string) => lines.push(line) });
    const listener = createRequestHandler(opened.service, { logger });
    const running = await listen({
      host: "127.0.0.1",
      port: 0,
      prepare: async () => ({ listener, close: async () => {} }),
    });
    const admin = await addClient(opened.service, { permissions: ["admin"] });
    const authorization = basic(admin);
    const ask = (procedure: string, input: object = {}) => callAs(running.origin, { procedure, input, authorization });
    const { data: created } = await ask("clients.create", newClient());
    const { clientId, clientSecret } = created as { clientId: string; clientSecret: string };
    const { data: rotated } = await ask("clients.rotateSecret", { clientId });
    const { clientSecret: next } = rotated as { clientSecret: string };

    const answers = [
      await ask("getToken"),
      await ask("clients.list"),
      await ask("audit.list"),
      await ask("clients.remove", { clientId }),
      await ask("getToken", { claims: { sub: admin.clientSecret } }),
      await ask("clients.create", { ...newClient(), [admin.clientSecret]: 1 }),
      await callAs(running.origin, { procedure: "getToken", authorization: basic({ clientId, clientSecret }) }),
      await callAs(running.origin, { procedure: "keys.list", authorization: `Bearer ${admin.clientSecret}` }),
    ];
    await running.close();
    const received = answers.map(({ text, headers }) => text + JSON.stringify(headers)).join("");
    expect(lines.length).toBeGreaterThanOrEqual(10);
    for (const secret of [admin.clientSecret, clientSecret, next, authorization.slice(6)]) {
      expect(received).not.toContain(secret);
      expect(lines.join("")).not.toContain(secret);
    }
  });
});
