import { describe, expect, it } from "vitest";
import { createRandom } from "../support/random.ts";
import { createExpectations } from "./expectations.ts";
import { createLedger, type Ledger, type Thing } from "./ledger.ts";

const token = (ledger: Ledger, handles: Thing["handles"], askedAt = ledger.tick()) =>
  ledger.add<Thing>({ what: `token ${handles.jti}`, handles }, askedAt);
const ada = { by: "subject", id: "ada" } as const;

describe("the ledger", () => {
  it("holds what was acknowledged to live, until its end is acknowledged", () => {
    const ledger = createLedger();
    const [one, other] = [token(ledger, { jti: "1", subject: "ada" }), token(ledger, { jti: "2", subject: "bob" })];
    const revocation = ledger.withdraw([ada]);
    expect([one.life, other.life]).toEqual(["unsure", "live"]);
    ledger.acknowledge(revocation, 17);
    expect(one).toMatchObject({ life: "dead", diedAt: 17 });
    expect(other.life).toBe("live");
  });

  it("holds what was asked for after a revocation was acknowledged to live, and what overlaps with it to be in doubt", () => {
    const ledger = createLedger();
    const before = ledger.tick();
    const revocation = ledger.withdraw([ada]);
    const during = token(ledger, { jti: "1", subject: "ada" }, before);
    ledger.acknowledge(revocation, 0);
    expect(during.life).toBe("unsure");
    expect(token(ledger, { jti: "2", subject: "ada" }, before).life).toBe("unsure");
    expect(token(ledger, { jti: "3", subject: "ada" }).life).toBe("live");
  });

  it("holds whatever comes of a key that was killed, or of a session that was revoked, to be dead for ever", () => {
    const ledger = createLedger();
    ledger.acknowledge(ledger.withdraw([{ by: "kid", id: "k" }]), 5);
    expect(token(ledger, { jti: "1", kid: "k" })).toMatchObject({ life: "dead", diedAt: 5 });
  });

  it("doubts all that an end might cover which nobody was told of, until the round is settled", () => {
    const ledger = createLedger();
    const one = token(ledger, { jti: "1", subject: "ada" });
    ledger.withdraw([ada]);
    const later = token(ledger, { jti: "2", subject: "ada" });
    expect([one.life, later.life]).toEqual(["unsure", "unsure"]);
    ledger.observe(one, "dead", 9);
    ledger.observe(later, "live", 9);
    ledger.settle();
    expect(ledger.breaches()).toEqual([]);
    expect(token(ledger, { jti: "3", subject: "ada" }).life).toBe("live");
    ledger.observe(one, "live", 10);
    ledger.observe(later, "dead", 10);
    expect(ledger.breaches()).toEqual(["came back: token 1", "lost: token 2"]);
  });

  it("tells of an end that was done by halves", () => {
    const ledger = createLedger();
    const [one, other] = [token(ledger, { jti: "1", subject: "ada" }), token(ledger, { jti: "2", subject: "ada" })];
    ledger.withdraw([ada]);
    ledger.observe(one, "dead", 0);
    ledger.observe(other, "live", 0);
    ledger.settle();
    expect(ledger.breaches()).toEqual(["half done: the withdrawal of subject ada"]);
  });

  it("lets two ends that nobody was told of explain what one of them cannot", () => {
    const ledger = createLedger();
    const [one, other] = [token(ledger, { jti: "1", subject: "ada" }), token(ledger, { jti: "2", subject: "ada" })];
    ledger.withdraw([ada]);
    ledger.withdraw([{ by: "jti", id: "1" }]);
    ledger.observe(one, "dead", 0);
    ledger.observe(other, "live", 0);
    ledger.settle();
    expect(ledger.breaches()).toEqual([]);
  });
});

describe("the expectations of an audit log", () => {
  const record = { outcome: "allowed", action: "getToken", subject: "ada" };

  it("want one record for each act, and take each record once", () => {
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

  it("take no record of a refusal, nor one of another act", () => {
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
