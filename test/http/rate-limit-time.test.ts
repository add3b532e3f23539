import { describe, expect, it } from "vitest";
import type { Credentials } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { openService } from "../support/service.ts";

const ADDRESS = "192.0.2.1";

describe("a block", () => {
  it("ends after a minute, and not before", async () => {
    await using opened = await openService({ open: false });
    const { service, clock } = opened;
    const { authenticate } = service;
    const client = await addClient(service);
    for (let at = 0; at < 10; at += 1) {
      await expect(authenticate({ ...client, clientSecret: "x" }, ADDRESS)).rejects.toMatchObject({
        reason: "invalid_client",
      });
    }
    await expect(authenticate(client, ADDRESS)).rejects.toMatchObject({ retryAfter: 60 });
    clock.now += 59;
    await expect(authenticate(client, ADDRESS)).rejects.toMatchObject({ retryAfter: 1 });
    clock.now += 1;
    await expect(authenticate(client, ADDRESS)).resolves.toMatchObject({ clientId: client.clientId });
  });
});

describe("an unknown client and a wrong secret", () => {
  it("are rejected in about the same time", { retry: 3 }, async () => {
    await using opened = await openService({ open: false });
    const { authenticate } = opened.service;
    const { clientId, clientSecret } = await addClient(opened.service);
    const attempts = {
      unknown: { clientId: clientId.replace(/^./, "x"), clientSecret },
      wrong: { clientId, clientSecret: clientSecret.replace(/^./, "-") },
    };
    const taken = { unknown: [] as number[], wrong: [] as number[] };
    let addresses = 0;
    const measure = async (credentials: Credentials) => {
      addresses += 1;
      const start = performance.now();
      await authenticate(credentials, `address ${addresses}`).catch(() => {});
      return performance.now() - start;
    };
    // In turn, so that whatever else slows the machine down meanwhile slows down both.
    for (let at = 0; at < 500; at += 1) {
      taken.unknown.push(await measure(attempts.unknown));
      taken.wrong.push(await measure(attempts.wrong));
    }
    const ratio = median(taken.unknown) / median(taken.wrong);
    expect(ratio).toBeGreaterThan(1 / 2);
    expect(ratio).toBeLessThan(2);
  });
});

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
