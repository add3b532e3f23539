import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { credentialsOf } from "../../src/http/credentials.ts";
import { listen } from "../../src/http/listen.ts";
import { addChosenClient } from "../support/clients.ts";
import { openServer } from "../support/service.ts";

describe("createTokenClient", () => {
  it("calls as a client, whatever characters its id and secret have", async () => {
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

  it("encodes every id and every secret as they are read again", async () => {
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
    const text = fc.string({ unit: "binary", minLength: 1, maxLength: 100 });
    const pairs = fc.array(fc.record({ clientId: text, clientSecret: text }), { minLength: 10, maxLength: 20 });
    const property = fc.asyncProperty(pairs, async (sent) => {
      seen.length = 0;
      const clients = sent.map((credentials) => createTokenClient({ url: reader.origin, credentials }));
      await Promise.allSettled(clients.map((client) => client.getToken.query()));
      expect(seen).toHaveLength(sent.length);
      expect(seen).toEqual(expect.arrayContaining(sent));
    });
    await fc.assert(property, { numRuns: 10 }).finally(reader.close);
  });
});
