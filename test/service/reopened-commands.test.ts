import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import { issue, type Opening, openRepeatedly } from "../support/reopened.ts";
import { AFTERWARDS, BEFORE, begin, DAY } from "../support/reopened-table.ts";
import { NOW } from "../support/service.ts";

const commands = Object.entries(AFTERWARDS).filter(([, { guest }]) => guest);

describe("a command", () => {
  it.each(commands)("changes only the given settings, %s", async (_, after) => {
    using data = openRepeatedly();
    await data.by(BEFORE, async ({ service }) => begin(service));
    const content = data.content();
    await data.by({ ...after, now: NOW + 365 * DAY }, async ({ service }) => {
      await service.maintenance();
      await service.keys.list(localCaller);
      await service.clients.list(localCaller);
      await service.audit.list(localCaller, { limit: 10 });
    });
    expect(data.content()).toEqual(content);
  });

  it("issues tokens that the service accepts, by its issuer, audience and algorithm", async () => {
    using data = openRepeatedly();
    const server: Opening = {
      ...BEFORE,
      issuer: "https://id.example",
      audience: "https://orders.example",
      alg: "EdDSA",
    };
    await data.by(server, async () => {});
    const { token } = await data.by({ guest: true, issuer: "http://127.0.0.1:3000" }, async ({ service }) => {
      await service.keys.rotate(localCaller, { immediate: true });
      return issue(service);
    });
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: "EdDSA" });
    expect(decodeJwt(token)).toMatchObject({ iss: "https://id.example", aud: "https://orders.example" });
    await data.by(server, async ({ service }) =>
      expect(await service.verifyToken({ token })).toMatchObject({ sub: "ada" }),
    );
  });

  it("has the limits of the service, not of its own variables", async () => {
    using data = openRepeatedly();
    await data.by({ maxTtl: 600, ttl: 300 }, async () => {});
    await data.by({ guest: true, maxTtl: 30 * DAY, ttl: DAY }, async ({ service }) => {
      expect((await issue(service)).expiresIn).toBe(300);
      await expect(issue(service, { expiresIn: 601 })).rejects.toMatchObject({ reason: "invalid_request" });
    });
  });

  it("generates the key of the given algorithm, also while another key is pending", async () => {
    using data = openRepeatedly();
    await data.by(BEFORE, async () => {});
    await data.by({ guest: true }, async ({ service }) => {
      await service.keys.rotate(localCaller, { immediate: false });
      const keys = await service.keys.rotate(localCaller, { immediate: false, alg: "EdDSA" });
      const waiting = keys.filter(({ state }) => state === "pending");
      expect(waiting.map(({ alg }) => alg)).toEqual(["EdDSA"]);
      await service.keys.rotate(localCaller, { immediate: true });
      expect(decodeProtectedHeader((await issue(service)).token).alg).toBe("EdDSA");
    });
  });

  it("rotates to a given algorithm, and the service continues with that one", async () => {
    using data = openRepeatedly();
    await data.by(BEFORE, async () => {});
    await data.by({ guest: true }, async ({ service }) =>
      service.keys.rotate(localCaller, { immediate: true, alg: "ES384" }),
    );
    await data.by(BEFORE, async ({ service }) => {
      await service.keys.rotate(localCaller, { immediate: true });
      const { token } = await issue(service);
      expect(decodeProtectedHeader(token).alg).toBe("ES384");
      const { records } = await service.audit.list(localCaller, {
        action: "keys.rotate",
        clientId: "local",
        limit: 10,
      });
      expect(records).toMatchObject([{}, { target: "alg: ES256 -> ES384" }]);
    });
  });

  it.each([
    ["without the service's shared secret", { secret: "a secret that has more than thirty-two bytes" }, {}],
    [
      "with another shared secret",
      { secret: "a secret that has more than thirty-two bytes" },
      { secret: "x".repeat(32) },
    ],
    ["with a shared secret, where key pairs sign", {}, { secret: "x".repeat(32) }],
  ])("%s fails with a message and does nothing", async (_, server: Opening, command: Opening) => {
    using data = openRepeatedly();
    await data.by(server, async () => {});
    await expect(data.by({ ...command, guest: true }, async () => {})).rejects.toThrow(/^[^\n]*MINTMARK_SECRET[^\n]*$/);
  });
});
