import { describe, expect, it } from "vitest";
import { createRandom } from "../support/random.ts";
import { createExpectations } from "./expectations.ts";
import { createTimeline, type Thing, type Timeline } from "./timeline.ts";

const token = (timeline: Timeline, handles: Thing["handles"], askedAt = timeline.tick()) =>
  timeline.add<Thing>({ what: `token ${handles.jti}`, handles }, askedAt);
const ada = { by: "subject", id: "ada" } as const;

describe("the timeline", () => {
  it("holds an acknowledged thing to live until its end is acknowledged", () => {
    const timeline = createTimeline();
    const [one, other] = [token(timeline, { jti: "1", subject: "ada" }), token(timeline, { jti: "2", subject: "bob" })];
    const revocation = timeline.withdraw([ada]);
    expect([one.life, other.life]).toEqual(["unsure", "live"]);
    timeline.acknowledge(revocation, 17);
    expect(one).toMatchObject({ life: "dead", diedAt: 17 });
    expect(other.life).toBe("live");
  });

  it("holds a thing requested after an acknowledged revocation to live, and doubts one that overlaps with it", () => {
    const timeline = createTimeline();
    const before = timeline.tick();
    const revocation = timeline.withdraw([ada]);
    const during = token(timeline, { jti: "1", subject: "ada" }, before);
    timeline.acknowledge(revocation, 0);
    expect(during.life).toBe("unsure");
    expect(token(timeline, { jti: "2", subject: "ada" }, before).life).toBe("unsure");
    expect(token(timeline, { jti: "3", subject: "ada" }).life).toBe("live");
  });

  it("holds every thing of a revoked key or grant to be dead for ever", () => {
    const timeline = createTimeline();
    timeline.acknowledge(timeline.withdraw([{ by: "kid", id: "k" }]), 5);
    expect(token(timeline, { jti: "1", kid: "k" })).toMatchObject({ life: "dead", diedAt: 5 });
  });

  it("doubts everything that a withdrawal without an answer may cover, until the round is settled", () => {
    const timeline = createTimeline();
    const one = token(timeline, { jti: "1", subject: "ada" });
    timeline.withdraw([ada]);
    const later = token(timeline, { jti: "2", subject: "ada" });
    expect([one.life, later.life]).toEqual(["unsure", "unsure"]);
    timeline.observe(one, "dead", 9);
    timeline.observe(later, "live", 9);
    timeline.resolve();
    expect(timeline.breaches()).toEqual([]);
    expect(token(timeline, { jti: "3", subject: "ada" }).life).toBe("live");
    timeline.observe(one, "live", 10);
    timeline.observe(later, "dead", 10);
    expect(timeline.breaches()).toEqual(["came back: token 1", "lost: token 2"]);
  });

  it("reports a withdrawal that took effect in part", () => {
    const timeline = createTimeline();
    const [one, other] = [token(timeline, { jti: "1", subject: "ada" }), token(timeline, { jti: "2", subject: "ada" })];
    timeline.withdraw([ada]);
    timeline.observe(one, "dead", 0);
    timeline.observe(other, "live", 0);
    timeline.resolve();
    expect(timeline.breaches()).toEqual(["partial: the withdrawal of subject ada"]);
  });

  it("lets two withdrawals without an answer explain what one cannot", () => {
    const timeline = createTimeline();
    const [one, other] = [token(timeline, { jti: "1", subject: "ada" }), token(timeline, { jti: "2", subject: "ada" })];
    timeline.withdraw([ada]);
    timeline.withdraw([{ by: "jti", id: "1" }]);
    timeline.observe(one, "dead", 0);
    timeline.observe(other, "live", 0);
    timeline.resolve();
    expect(timeline.breaches()).toEqual([]);
  });
});

describe("the expectations of an audit log", () => {
  const record = { outcome: "allowed", action: "getToken", subject: "ada" };

  it("want one record for each operation, and take each record once", () => {
    const audit = createExpectations();
    audit.expect("getToken", "j");
    audit.expect("clients.rotateSecret", "c");
    audit.expect("clients.rotateSecret", "c");
    audit.found({ ...record, id: "1", jti: "j" });
    const rotated = { id: "2", outcome: "allowed", action: "clients.rotateSecret", target: "c" };
    audit.found(rotated);
    audit.found(rotated);
    expect(audit.missing()).toEqual(["clients.rotateSecret c"]);
    audit.found({ ...rotated, id: "3" });
    expect(audit.missing()).toEqual([]);
  });

  it("take no record of a refusal or of another operation", () => {
    const audit = createExpectations();
    audit.expect("getToken", "j");
    audit.found({ ...record, id: "1", jti: "j", outcome: "refused" });
    audit.found({ ...record, id: "2", jti: "j", action: "refreshToken" });
    expect(audit.missing()).toEqual(["getToken j"]);
  });
});

it("chances are the same again for the same seed", () => {
  const draw = () => {
    const random = createRandom(7);
    const names = Array.from({ length: 8 }, () => random.weighted({ a: 1, b: 2, never: 0 }));
    return [names, random.sample([1, 2, 3, 4], 3), random.fork().next()];
  };
  expect(draw()).toEqual(draw());
  expect(draw()[0]).not.toContain("never");
});
