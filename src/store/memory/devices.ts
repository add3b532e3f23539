import type { DeviceStore, LogoutStore } from "../sign-in-store.ts";
import { type MemoryDatabase, writeWithRecord } from "./database.ts";

export function createDeviceVerbs(database: MemoryDatabase): DeviceStore {
  const { devices } = database.people;
  return {
    addDeviceRequest: async (request, record) =>
      writeWithRecord(database, record, () => {
        const { hash, userCode } = request;
        const isKnown = devices.has(hash) || [...devices.values()].some((known) => known.userCode === userCode);
        if (!isKnown) devices.set(hash, structuredClone(request));
        return { outcome: isKnown ? "present" : "added", isChange: !isKnown };
      }),
    findDeviceRequest: async (by) =>
      structuredClone(
        "hash" in by ? devices.get(by.hash) : [...devices.values()].find(({ userCode }) => userCode === by.userCode),
      ),
    async claimDeviceRequest(hash, browser) {
      const request = devices.get(hash);
      if (request === undefined) return "unknown";
      request.browser ??= browser;
      return request.browser === browser ? "claimed" : "taken";
    },
    denyDeviceRequest: async (hash, record) =>
      writeWithRecord(database, record, () => {
        const request = devices.get(hash);
        if (request !== undefined) request.denied = true;
        return { outcome: request === undefined ? "unknown" : "denied", isChange: request !== undefined };
      }),
    async pollDeviceRequest(hash, { now }) {
      const request = devices.get(hash);
      if (request === undefined) return undefined;
      const tooSoon = request.polledAt !== undefined && request.polledAt + request.interval > now;
      if (tooSoon) request.interval += 5;
      request.polledAt = now;
      return { request: structuredClone(request), tooSoon };
    },
  };
}

export function createLogoutVerbs({ people }: MemoryDatabase): LogoutStore {
  const { notices } = people;
  return {
    takeLogouts: async (now, { limit, lease }) =>
      [...notices.values()]
        .filter(({ dueAt }) => dueAt !== undefined && dueAt <= now)
        .toSorted((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0))
        .slice(0, limit)
        .map((notice) => {
          notice.dueAt = now + lease;
          const { sid, clientId, subject, attempts } = notice;
          return { sid, clientId, subject, attempts };
        }),
    async postponeLogout({ sid, clientId }, dueAt) {
      const notice = notices.get(`${sid} ${clientId}`);
      if (notice !== undefined) Object.assign(notice, { dueAt, attempts: notice.attempts + 1 });
    },
    async finishLogout({ sid, clientId }) {
      notices.delete(`${sid} ${clientId}`);
    },
  };
}
