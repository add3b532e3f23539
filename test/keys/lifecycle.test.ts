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

/** The state of each key, in the order in which they sign. */
const states = (keys: readonly KeyTimes[], now: number) =>
  statesAt(keys, POLICY, now).map(({ key, state }) => `${key.kid} ${state}`);

describe("livesOf", () => {
  const first = key("first", NOW);
  const second = key("second", NOW + 1000);

  it("takes a key from pending to active to retiring to removed, to the second", () => {
    const keys = [first, second];
    expect(states(keys, NOW)).toEqual(["first active", "second pending"]);
    expect(states(keys, NOW + 999)).toEqual(["first active", "second pending"]);
    expect(states(keys, NOW + 1000)).toEqual(["first retiring", "second active"]);
    expect(states(keys, NOW + 1000 + DAY + SKEW - 1)).toEqual(["first retiring", "second active"]);
    expect(states(keys, NOW + 1000 + DAY + SKEW)).toEqual(["first removed", "second active"]);
  });

  it("lets the first living key sign while it is nobody's turn", () => {
    expect(states([first, second], NOW - 1)).toEqual(["first active", "second pending"]);
    const killed = { ...first, killedAt: NOW + 45 };
    expect(states([killed, key("next", NOW + 45), key("last", NOW + 45)], NOW)).toEqual([
      "first removed",
      "next active",
      "last pending",
    ]);
  });

  it("says when a key retires and is removed once another is there to follow it", () => {
    expect(statesAt([first], POLICY, NOW)).toEqual([{ key: first, state: "active" }]);
    expect(statesAt([first, second], POLICY, NOW)[0]).toMatchObject({
      retiresAt: NOW + 1000,
      removedAt: NOW + 1000 + DAY + SKEW,
    });
  });

  it("removes a killed key at once", () => {
    expect(states([first, key("second", NOW, { killedAt: NOW + 5 }), key("third", NOW + 5)], NOW + 5)).toEqual([
      "first retiring",
      "second removed",
      "third active",
    ]);
  });

  it("lets nothing come back that was removed, when the key after it is killed", () => {
    const late = NOW + 1000 + 2 * DAY;
    expect(states([first, { ...second, killedAt: late }, key("third", late)], late)).toEqual([
      "first removed",
      "second removed",
      "third active",
    ]);
  });

  it("goes on with a key whose follower was killed before it signed", () => {
    expect(states([first, { ...second, killedAt: NOW + 10 }], NOW + 5000)).toEqual(["first active", "second removed"]);
  });

  it("counts a key that was killed in the very second in which it began to sign", () => {
    expect(states([first, { ...second, killedAt: NOW + 1000 }, key("third", NOW + 1000)], NOW + 1000)).toEqual([
      "first retiring",
      "second removed",
      "third active",
    ]);
  });

  it("lets the one that was added later sign, of two that begin in the same second", () => {
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

  it("wants the first key at once", () => {
    expect(dueKey([], policy, NOW)).toEqual({ follows: "", activatesAt: NOW });
  });

  it("wants the next key as long before it is to sign as it has to be public", () => {
    const due = NOW + POLICY.rotation;
    expect(dueKey([first], policy, due - PUBLISH_AHEAD - 1)).toBeUndefined();
    expect(dueKey([first], policy, due - PUBLISH_AHEAD)).toEqual({ follows: "first", activatesAt: due });
    expect(PUBLISH_AHEAD).toBeGreaterThan(JWKS_MAX_AGE);
  });

  it("gives the next key its time in public also where the server was away when it was due", () => {
    const late = NOW + 5 * POLICY.rotation;
    expect(dueKey([first], policy, late)).toEqual({ follows: "first", activatesAt: late + PUBLISH_AHEAD });
  });

  it("wants the next key at once while it is nobody's turn, however short that is", () => {
    expect(dueKey([first], policy, NOW - 1)).toEqual({ follows: "", activatesAt: NOW - 1 });
    const killed = { ...first, killedAt: NOW + 2 };
    expect(dueKey([killed, key("second", NOW + 2)], policy, NOW + 1)).toEqual({
      follows: "first",
      activatesAt: NOW + 1,
    });
    expect(dueKey([killed, key("second", NOW + 2)], policy, NOW + 2)).toBeUndefined();
  });

  it("wants one of another algorithm as soon as it can be published", () => {
    expect(dueKey([first], { ...policy, alg: "EdDSA" }, NOW + 5)).toEqual({
      follows: "first",
      activatesAt: NOW + 5 + PUBLISH_AHEAD,
    });
  });

  it("wants none while one is waiting, and another when that one was killed", () => {
    const waiting = key("second", NOW + PUBLISH_AHEAD);
    const late = NOW + 2 * POLICY.rotation;
    expect(dueKey([first, { ...waiting, activatesAt: late + 1 }], policy, late)).toBeUndefined();
    const madeAhead = { ...waiting, activatesAt: late + PUBLISH_AHEAD + SKEW };
    expect(dueKey([first, madeAhead], policy, late)).toBeUndefined();
    expect(dueKey([first, waiting], { ...policy, alg: "EdDSA" }, NOW + 1)).toBeUndefined();
    expect(dueKey([first, { ...waiting, killedAt: NOW + 1 }], policy, late)).toMatchObject({ follows: "first" });
  });
});
