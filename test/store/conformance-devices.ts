import { describe, expect, it } from "vitest";
import { NOW } from "../support/service.ts";
import type { Open } from "./conformance.ts";
import { aDeviceRequest, aRecord } from "./samples.ts";

export function describeDevices(open: Open): void {
  describe("addDeviceRequest", () => {
    it("adds a request, which its device code and its user code find unchanged", async () => {
      await using opened = await open();
      const { scope: _, ...unscoped } = aDeviceRequest({ audience: ["orders", "payments"] });
      for (const request of [aDeviceRequest(), unscoped]) {
        expect(await opened.here.addDeviceRequest(request, aRecord())).toBe("added");
        const { hash, userCode } = request;
        for (const by of [{ hash }, { userCode }]) expect(await opened.there.findDeviceRequest(by)).toEqual(request);
        for (const by of [{ hash: userCode }, { userCode: hash }])
          expect(await opened.there.findDeviceRequest(by)).toBeUndefined();
      }
      expect(await opened.here.listAudit({ limit: 9 })).toHaveLength(2);
    });

    it("adds none with a device code or user code that exists", async () => {
      await using opened = await open();
      const request = aDeviceRequest();
      const { hash, userCode } = request;
      await opened.here.addDeviceRequest(request, aRecord());
      for (const same of [aDeviceRequest({ hash }), aDeviceRequest({ userCode }), request])
        expect(await opened.there.addDeviceRequest(same, aRecord())).toBe("present");
      expect(await opened.here.findDeviceRequest({ hash })).toEqual(request);
      expect(await opened.here.listAudit({ limit: 9 })).toHaveLength(1);
    });
  });

  describe("claimDeviceRequest", () => {
    it("binds a request to the first of many browsers, which may claim it again", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const request = aDeviceRequest();
      const { hash } = request;
      await here.addDeviceRequest(request, aRecord());
      const claim = (at: number) => (at % 2 ? here : there).claimDeviceRequest(hash, `browser-${at}`);
      const outcomes = await Promise.all(Array.from({ length: 20 }, (_, at) => claim(at)));
      expect(outcomes.toSorted()).toEqual(["claimed", ...Array(19).fill("taken")]);
      const browser = `browser-${outcomes.indexOf("claimed")}`;
      expect(await there.findDeviceRequest({ hash })).toEqual({ ...request, browser });
      expect(await there.claimDeviceRequest(hash, browser)).toBe("claimed");
      expect(await there.claimDeviceRequest("another", browser)).toBe("unknown");
    });
  });

  describe("denyDeviceRequest", () => {
    it("denies a request, and audits it", async () => {
      await using opened = await open();
      const request = aDeviceRequest();
      await opened.here.addDeviceRequest(request, aRecord());
      const record = aRecord();
      expect(await opened.there.denyDeviceRequest(request.hash, record)).toBe("denied");
      expect(await opened.here.findDeviceRequest(request)).toEqual({ ...request, denied: true });
      expect(await opened.here.listAudit({ limit: 1 })).toEqual([record]);
      expect(await opened.there.denyDeviceRequest("another", aRecord())).toBe("unknown");
      expect(await opened.here.listAudit({ limit: 1 })).toEqual([record]);
    });
  });

  describe("pollDeviceRequest", () => {
    it("is too soon within the interval to the second, which grows by 5 s each time (RFC 8628 §3.5)", async () => {
      await using opened = await open();
      const { here, there } = opened;
      const request = aDeviceRequest({ interval: 5 });
      await here.addDeviceRequest(request, aRecord());
      const polls: [now: number, tooSoon: boolean, interval: number][] = [
        [NOW, false, 5],
        [NOW + 5, false, 5],
        [NOW + 9, true, 10],
        [NOW + 18, true, 15],
        [NOW + 33, false, 15],
      ];
      for (const [now, tooSoon, interval] of polls) {
        const polled = { ...request, polledAt: now, interval };
        expect(await there.pollDeviceRequest(request.hash, { now })).toEqual({ request: polled, tooSoon });
        expect(await here.findDeviceRequest(request)).toEqual(polled);
      }
      expect(await here.pollDeviceRequest("another", { now: NOW })).toBeUndefined();
    });

    it("is in time for one of any number of concurrent polls in two processes", async () => {
      await using opened = await open();
      const request = aDeviceRequest({ interval: 5 });
      await opened.here.addDeviceRequest(request, aRecord());
      const polls = await Promise.all(
        Array.from({ length: 20 }, (_, at) =>
          (at % 2 ? opened.here : opened.there).pollDeviceRequest(request.hash, { now: NOW }),
        ),
      );
      expect(polls.filter((poll) => poll?.tooSoon === false)).toHaveLength(1);
      expect(await opened.there.findDeviceRequest(request)).toMatchObject({ interval: 5 + 19 * 5 });
    });
  });
}
