import { describe, expect, it } from "vitest";
import { createUserCode, displayUserCode, parseUserCode } from "../../../src/service/authorization/user-code.ts";

describe("a user code", () => {
  it("has eight consonants, of which no two look alike, each equally often", () => {
    const codes = Array.from({ length: 20_000 }, createUserCode);
    const counts = new Map<string, number>();
    for (const letter of codes.join("")) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    for (const code of codes) expect(code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{8}$/);
    expect(counts.size).toBe(20);
    // Seven standard deviations of 160,000 draws from 20 letters.
    for (const count of counts.values()) expect(Math.abs(count - 8000)).toBeLessThan(610);
    expect(new Set(codes).size).toBeGreaterThan(19_995);
  });

  it("is shown in two groups", () => {
    expect(displayUserCode("WDJBMJHT")).toBe("WDJB-MJHT");
  });

  it.each([
    "WDJBMJHT",
    "WDJB-MJHT",
    "wdjb-mjht",
    " WdJb mJhT ",
    "W-D-J-B-M-J-H-T",
    "WDJB–MJHT",
    "WDJB\u2011MJHT",
    "WDJB\u00a0MJHT",
  ])("is read from %j", (entered) => {
    expect(parseUserCode(entered)).toBe("WDJBMJHT");
  });

  it.each([
    "",
    "WDJB",
    "WDJB-MJH",
    "WDJB-MJHTT",
    "WDJB-MJH1",
    "WDJB-MJHA",
    "WDJB-MJHY",
    "WDJB_MJHT",
    "WDJBMJHẗ",
    "ＷDJBMJHT",
  ])("is not read from %j", (entered) => {
    expect(parseUserCode(entered)).toBeUndefined();
  });
});
