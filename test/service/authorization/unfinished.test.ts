import { describe, expect, it, vi } from "vitest";
import { authorizationRequest, codeFor, expectStep, openBrowser, openPeople, VERIFIER } from "../../support/people.ts";
import { NOW } from "../../support/service.ts";

const HOUR = 3600;

type Opened = Awaited<ReturnType<typeof openPeople>>;

/** Runs maintenance an hour after the start, and two hours after it: what is not anybody's is deleted an hour late. */
async function runMaintenance({ service, clock }: Pick<Opened, "service" | "clock">): Promise<void> {
  for (const hours of [1, 2]) {
    clock.now = NOW + hours * HOUR;
    const then = vi.spyOn(performance, "now").mockReturnValue(performance.now() + hours * HOUR * 1000);
    await service.maintenance().finally(() => then.mockRestore());
  }
}

describe("maintenance deletes, by itself, what nobody finished", () => {
  it("such as a request, a code, a device request and an approval", async () => {
    const opened = await openPeople({ firstParty: true, grants: ["authorization_code", "device_code"] });
    const { service, store, clock, clientId, browser, authenticate } = opened;
    await codeFor(browser, authorizationRequest(clientId));
    expectStep(await openBrowser(service).begin(authorizationRequest(clientId)), "sign_in");
    const devices = [
      await service.devices?.start(await authenticate(), {}),
      await service.devices?.start(await authenticate(), {}),
    ];
    expect(devices.map((device) => device?.expiresIn)).toEqual([600, 600]);

    await runMaintenance(opened);
    // Nothing is left for a second call to delete.
    expect(await store.pruneSignInData(clock.now, 100)).toEqual({ count: 0, more: false });
    expect(await store.pruneRequests(clock.now, 100)).toEqual({ count: 0, more: false });
    const [device] = devices;
    expect(await store.findDeviceRequest({ userCode: device?.userCode.replace("-", "") ?? "" })).toBeUndefined();
  });

  it("and retains the session of the person, and a used code for a day", async () => {
    const opened = await openPeople({ firstParty: true });
    const { service, store, clock, clientId, browser, authenticate } = opened;
    const request = authorizationRequest(clientId);
    const code = await codeFor(browser, request);
    const redirectUri = request.parameters.get("redirect_uri") ?? "";
    await service.exchangeCode(await authenticate(), { code, redirectUri, verifier: VERIFIER });
    await runMaintenance(opened);
    await expect(
      service.exchangeCode(await authenticate(), { code, redirectUri, verifier: VERIFIER }),
    ).rejects.toMatchObject({ reason: "invalid_code" });
    expectStep(await browser.begin(request), "redirect");
    expect(await store.listSignIns({ subject: "ada", now: clock.now, limit: 2 })).toHaveLength(1);
  });
});
