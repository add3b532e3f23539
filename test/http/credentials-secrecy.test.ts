import pino from "pino";
import { describe, expect, it } from "vitest";
import { listen } from "../../src/http/listen.ts";
import { createRequestHandler } from "../../src/http/server.ts";
import { basic, callAs } from "../support/call-as.ts";
import { addClient, newClient } from "../support/clients.ts";
import { openService } from "../support/service.ts";

describe("a secret", () => {
  it("is told to whom it belongs when it is made, and stands in no other answer and in no line of the log", async () => {
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
    const told = answers.map(({ text, headers }) => text + JSON.stringify(headers)).join("");
    expect(lines.length).toBeGreaterThanOrEqual(10);
    for (const secret of [admin.clientSecret, clientSecret, next, authorization.slice(6)]) {
      expect(told).not.toContain(secret);
      expect(lines.join("")).not.toContain(secret);
    }
  });
});
