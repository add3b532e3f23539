import { describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import type { Credentials } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { NOW, openService } from "../support/service.ts";
import { openSharedService } from "../support/shared-service.ts";

const ADDRESS = "192.0.2.1";
const OVERLAP = 3600;

/** A service with one client; checks whether a secret of that client is accepted at a time. */
async function openWithClient() {
  const opened = await openService({ open: false });
  const first = await addClient(opened.service);
  const { clientId } = first;
  let addresses = 0;
  return {
    ...opened,
    first,
    rotate: (overlap: number) => opened.service.clients.rotateSecret(localCaller, { clientId, overlap }),
    isAccepted(credentials: Credentials, now: number): Promise<boolean> {
      opened.clock.now = now;
      addresses += 1;
      return opened.service.authenticate(credentials, `address ${addresses}`).then(
        () => true,
        () => false,
      );
    },
  };
}

describe("clients.rotateSecret", () => {
  it("accepts the earlier secret during the overlap, to the second", async () => {
    await using opened = await openWithClient();
    const second = await opened.rotate(OVERLAP);
    expect(second).toEqual({
      clientId: opened.first.clientId,
      clientSecret: expect.stringMatching(/^[\w-]{43}$/),
      overlap: OVERLAP,
    });
    expect(await opened.isAccepted(opened.first, NOW)).toBe(true);
    expect(await opened.isAccepted(opened.first, NOW + OVERLAP - 1)).toBe(true);
    expect(await opened.isAccepted(opened.first, NOW + OVERLAP)).toBe(false);
    expect(await opened.isAccepted(second, NOW + OVERLAP)).toBe(true);
  });

  it("invalidates the earlier secrets at once without an overlap", async () => {
    await using opened = await openWithClient();
    const second = await opened.rotate(OVERLAP);
    const third = await opened.rotate(0);
    expect(await opened.isAccepted(opened.first, NOW)).toBe(false);
    expect(await opened.isAccepted(second, NOW)).toBe(false);
    expect(await opened.isAccepted(third, NOW)).toBe(true);
  });

  it("never extends the expiry of a secret", async () => {
    await using opened = await openWithClient();
    const second = await opened.rotate(60);
    await opened.rotate(OVERLAP);
    expect(await opened.isAccepted(opened.first, NOW + 59)).toBe(true);
    expect(await opened.isAccepted(opened.first, NOW + 60)).toBe(false);
    expect(await opened.isAccepted(second, NOW + 60)).toBe(true);
    expect(await opened.isAccepted(second, NOW + OVERLAP)).toBe(false);
  });

  it("shortens a later expiry", async () => {
    await using opened = await openWithClient();
    await opened.rotate(OVERLAP);
    await opened.rotate(60);
    expect(await opened.isAccepted(opened.first, NOW + 59)).toBe(true);
    expect(await opened.isAccepted(opened.first, NOW + 60)).toBe(false);
  });

  it("is refused while four secrets are valid", async () => {
    await using opened = await openWithClient();
    const later = [await opened.rotate(OVERLAP), await opened.rotate(OVERLAP), await opened.rotate(OVERLAP)];
    for (const each of [opened.first, ...later]) expect(await opened.isAccepted(each, NOW)).toBe(true);
    await expect(opened.rotate(OVERLAP)).rejects.toMatchObject({ reason: "too_many_secrets" });
    for (const each of [opened.first, ...later]) expect(await opened.isAccepted(each, NOW)).toBe(true);
    opened.clock.now = NOW + OVERLAP;
    const next = await opened.rotate(OVERLAP);
    expect(await opened.isAccepted(next, NOW + OVERLAP)).toBe(true);
  });

  it("is always possible without an overlap: a leaked secret can be invalidated at any time", async () => {
    await using opened = await openWithClient();
    for (let count = 0; count < 3; count += 1) await opened.rotate(OVERLAP);
    const last = await opened.rotate(0);
    expect(await opened.isAccepted(opened.first, NOW)).toBe(false);
    expect(await opened.isAccepted(last, NOW)).toBe(true);
  });

  it("acknowledges valid secrets only, of concurrent rotations on two servers", async () => {
    await using opened = await openSharedService();
    await using second = await opened.openSecond();
    const first = await addClient(opened.service);
    const request = { clientId: first.clientId, overlap: OVERLAP };
    const services = [opened.service, second.service, opened.service, second.service, opened.service, second.service];
    const outcomes = await Promise.allSettled(services.map((each) => each.clients.rotateSecret(localCaller, request)));
    const acknowledged = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    expect(acknowledged.length).toBeGreaterThan(0);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(["conflict", "too_many_secrets"]).toContain(outcome.reason.reason);
    }
    for (const credentials of [first, ...acknowledged]) {
      for (const { authenticate } of services) {
        await expect(authenticate(credentials, ADDRESS)).resolves.toMatchObject({ clientId: first.clientId });
      }
    }
  });
});
