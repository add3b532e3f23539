import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dueKey, MAX_CLOCK_SKEW, PUBLISH_AHEAD, statesAt } from "../../src/keys/lifecycle.ts";
import {
  type KeyRequest,
  type KeyTimes,
  type Succession,
  scheduleAfterRevocation,
  scheduleKey,
} from "../../src/keys/succession.ts";
import { NOW } from "../support/service.ts";

const DAY = 86400;
const YEAR = 365 * DAY;
const POLICY = { rotation: 30 * DAY, maxTtl: DAY, alg: "ES256" };

/** The store and one server, whose clock is set for each operation. */
function createModel() {
  let keys: (KeyTimes & { alg: string })[] = [];

  function apply(succession: Succession | undefined, now: number): void {
    if (succession === undefined) return;
    const { activatesAt } = "add" in succession ? succession.add : succession;
    if ("add" in succession) keys = [...keys, { kid: `key-${keys.length}`, alg: "ES256", createdAt: now, activatesAt }];
    else keys = keys.map((key) => (succession.activateEarlier.includes(key.kid) ? { ...key, activatesAt } : key));
  }

  const add = (wanted: KeyRequest | undefined, now: number) => wanted && apply(scheduleKey(keys, wanted), now);
  const lives = (now: number) => statesAt(keys, POLICY, now);
  const inState = (now: number, state: string) => lives(now).filter((life) => life.state === state);
  const signing = (now: number) => inState(now, "active").at(0)?.key.kid ?? "";
  const maintenance = (now: number) => add(dueKey(keys, POLICY, now), now);
  return {
    inState,
    signing,
    maintenance,
    rotate(now: number, ahead: number) {
      maintenance(now);
      add({ follows: signing(now), activatesAt: now + ahead }, now);
    },
    kill(now: number, at: number) {
      const living = keys.filter(({ killedAt }) => killedAt === undefined);
      const victim = living[at % living.length];
      keys = keys.map((key) => (key === victim ? { ...key, killedAt: now } : key));
      apply(scheduleAfterRevocation(keys, now), now);
    },
  };
}

/** How far a clock is ahead: within the tolerated skew, by up to two days, or by up to a year. */
const ahead = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 * DAY }), fc.integer({ min: 0, max: YEAR }));
const act = fc.record({
  ahead,
  what: fc.constantFrom("maintenance", "rotate", "rotate now", "kill"),
  at: fc.nat({ max: 9 }),
});

const RUNS = Number(process.env.MINTMARK_TEST_YEARS ?? 1000);

type Model = ReturnType<typeof createModel>;

function perform(model: Model, { ahead, what, at }: typeof act extends fc.Arbitrary<infer Act> ? Act : never): void {
  const now = NOW + ahead;
  if (what === "maintenance") model.maintenance(now);
  else if (what === "kill") model.kill(now, at);
  else model.rotate(now, what === "rotate" ? PUBLISH_AHEAD : 0);
}

const afterAnyClock = (check: (model: Model) => void) =>
  fc.assert(
    fc.property(fc.array(act, { maxLength: 20 }), (acts) => {
      const model = createModel();
      model.maintenance(NOW);
      for (const one of acts) perform(model, one);
      check(model);
    }),
    { numRuns: RUNS },
  );

describe("after a clock was ahead and is corrected", () => {
  it("every server has an active key by its own times after the next maintenance", () => {
    afterAnyClock((model) => {
      for (const now of [NOW, NOW + 1, NOW + DAY, NOW + 2 * YEAR]) {
        model.maintenance(now);
        const [turn] = model.inState(now, "active");
        expect(turn?.key.activatesAt).toBeLessThanOrEqual(now);
      }
    });
  });

  it("keys can be rotated on request, immediately and ahead", () => {
    for (const ahead of [0, PUBLISH_AHEAD]) {
      afterAnyClock((model) => {
        const before = model.signing(NOW);
        model.rotate(NOW, ahead);
        const then = NOW + ahead;
        const signing = model.signing(then);
        expect(signing).not.toBe(before);
        model.maintenance(then);
        expect(model.inState(then, "active").map(({ key }) => key.kid)).toEqual([signing]);
      });
    }
  });

  it("keys are rotated on schedule", () => {
    afterAnyClock((model) => {
      const settled = NOW + 2 * MAX_CLOCK_SKEW;
      for (const now of [NOW, settled]) model.maintenance(now);
      const before = model.signing(settled);
      const late = settled + POLICY.rotation + 3 * PUBLISH_AHEAD;
      for (let now = settled + POLICY.rotation; now < late; now += MAX_CLOCK_SKEW) model.maintenance(now);
      expect(model.signing(late)).not.toBe(before);
    });
  });

  it("keys with valid tokens stay published", () => {
    afterAnyClock((model) => {
      model.maintenance(NOW);
      const signing = model.signing(NOW);
      model.rotate(NOW, 0);
      model.rotate(NOW, PUBLISH_AHEAD);
      const believed = ["pending", "active", "retiring"].flatMap((state) => model.inState(NOW + POLICY.maxTtl, state));
      expect(believed.map(({ key }) => key.kid)).toContain(signing);
    });
  });
});
