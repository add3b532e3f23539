import { describe, expect, it } from "vitest";
import { dueKey, JWKS_MAX_AGE, PUBLISH_AHEAD, statesAt } from "../../src/keys/lifecycle.ts";
import type { KeyTimes } from "../../src/keys/succession.ts";
import { NOW } from "../support/service.ts";

const DAY = 86400;
const POLICY = { rotation: 30 * DAY, maxTtl: DAY };
const SKEW = 60;

const key = (kid: string, activatesAt: number, more: Partial<KeyTimes> = {}) => ({
  kid,
  alg: "ES256",
  createdAt: activatesAt - PUBLISH_AHEAD,
  activatesAt,
  ...more,
});

/** The state of each key, in the order of signing. */
const states = (keys: readonly KeyTimes[], now: number) =>
  statesAt(keys, POLICY, now).map(({ key, state }) => `${key.kid} ${state}`);

describe("statesAt", () => {
  const first = key("first", NOW);
  const second = key("second", NOW + 1000);

  it("a key is pending, active, retiring and removed, exact to the second", () => {
    const keys = [first, second];
    expect(states(keys, NOW)).toEqual(["first active", "second pending"]);
    expect(states(keys, NOW + 999)).toEqual(["first active", "second pending"]);
    expect(states(keys, NOW + 1000)).toEqual(["first retiring", "second active"]);
    expect(states(keys, NOW + 1000 + DAY + SKEW - 1)).toEqual(["first retiring", "second active"]);
    expect(states(keys, NOW + 1000 + DAY + SKEW)).toEqual(["first removed", "second active"]);
  });

  it("the first unrevoked key is active while none would be", () => {
    expect(states([first, second], NOW - 1)).toEqual(["first active", "second pending"]);
    const killed = { ...first, killedAt: NOW + 45 };
    expect(states([killed, key("next", NOW + 45), key("last", NOW + 45)], NOW)).toEqual([
      "first removed",
      "next active",
      "last pending",
    ]);
  });

  it("gives the times of retirement and removal once there is a successor", () => {
    expect(statesAt([first], POLICY, NOW)).toEqual([{ key: first, state: "active" }]);
    expect(statesAt([first, second], POLICY, NOW)[0]).toMatchObject({
      retiresAt: NOW + 1000,
      removedAt: NOW + 1000 + DAY + SKEW,
    });
  });

  it("a revoked key is removed immediately", () => {
    expect(states([first, key("second", NOW, { killedAt: NOW + 5 }), key("third", NOW + 5)], NOW + 5)).toEqual([
      "first retiring",
      "second removed",
      "third active",
    ]);
  });

  it("a removed key stays removed when its successor is revoked", () => {
    const late = NOW + 1000 + 2 * DAY;
    expect(states([first, { ...second, killedAt: late }, key("third", late)], late)).toEqual([
      "first removed",
      "second removed",
      "third active",
    ]);
  });

  it("a key stays active when its pending successor is revoked", () => {
    expect(states([first, { ...second, killedAt: NOW + 10 }], NOW + 5000)).toEqual(["first active", "second removed"]);
  });

  it("a key revoked in the second of its activation has been active", () => {
    expect(states([first, { ...second, killedAt: NOW + 1000 }, key("third", NOW + 1000)], NOW + 1000)).toEqual([
      "first retiring",
      "second removed",
      "third active",
    ]);
  });

  it("of two keys activated in the same second, the later one signs", () => {
    expect(states([first, key("second", NOW), key("third", NOW)], NOW)).toEqual([
      "first retiring",
      "second retiring",
      "third active",
    ]);
  });
});

describe("dueKey", () => {
  const policy = { ...POLICY, alg: "ES256" };
  const first = key("first", NOW);

  it("requests the first key immediately", () => {
    expect(dueKey([], policy, NOW)).toEqual({ follows: "", activatesAt: NOW });
  });

  it("requests the next key by its time of publication before it signs", () => {
    const due = NOW + POLICY.rotation;
    expect(dueKey([first], policy, due - PUBLISH_AHEAD - 1)).toBeUndefined();
    expect(dueKey([first], policy, due - PUBLISH_AHEAD)).toEqual({ follows: "first", activatesAt: due });
    expect(PUBLISH_AHEAD).toBeGreaterThan(JWKS_MAX_AGE);
  });

  it("publishes the next key ahead also where the server was down when it was due", () => {
    const late = NOW + 5 * POLICY.rotation;
    expect(dueKey([first], policy, late)).toEqual({ follows: "first", activatesAt: late + PUBLISH_AHEAD });
  });

  it("requests the next key immediately while none is active, however short", () => {
    expect(dueKey([first], policy, NOW - 1)).toEqual({ follows: "", activatesAt: NOW - 1 });
    const killed = { ...first, killedAt: NOW + 2 };
    expect(dueKey([killed, key("second", NOW + 2)], policy, NOW + 1)).toEqual({
      follows: "first",
      activatesAt: NOW + 1,
    });
    expect(dueKey([killed, key("second", NOW + 2)], policy, NOW + 2)).toBeUndefined();
  });

  it("requests a key of another algorithm as soon as it can be published", () => {
    expect(dueKey([first], { ...policy, alg: "EdDSA" }, NOW + 5)).toEqual({
      follows: "first",
      activatesAt: NOW + 5 + PUBLISH_AHEAD,
    });
  });

  it("requests none while one is pending, and another when that one is revoked", () => {
    const waiting = key("second", NOW + PUBLISH_AHEAD);
    const late = NOW + 2 * POLICY.rotation;
    expect(dueKey([first, { ...waiting, activatesAt: late + 1 }], policy, late)).toBeUndefined();
    const madeAhead = { ...waiting, activatesAt: late + PUBLISH_AHEAD + SKEW };
    expect(dueKey([first, madeAhead], policy, late)).toBeUndefined();
    expect(dueKey([first, waiting], { ...policy, alg: "EdDSA" }, NOW + 1)).toBeUndefined();
    expect(dueKey([first, { ...waiting, killedAt: NOW + 1 }], policy, late)).toMatchObject({ follows: "first" });
  });
});
