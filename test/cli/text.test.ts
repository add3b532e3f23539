import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { instant, moment, printable, table } from "../../src/cli/text.ts";

const DAY = Date.UTC(2026, 10, 24) / 1000;

describe("a time on the command line", () => {
  const zone = process.env.TZ;
  beforeEach(() => {
    process.env.TZ = "America/New_York";
  });
  afterEach(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });

  it.each<[string, number]>([
    ["2026-11-24", DAY],
    ["2026-11-24T10:00", DAY + 36_000],
    ["2026-11-24T10:00:07", DAY + 36_007],
    ["2026-11-24 10:00:07", DAY + 36_007],
    ["2026-11-24T10:00:07.999", DAY + 36_007],
    ["2026-11-24T10:00:07Z", DAY + 36_007],
    ["2026-11-24t10:00:07z", DAY + 36_007],
    ["2026-11-24T10:00:07+02:00", DAY + 28_807],
    ["2026-11-24 10:00 -05:00", DAY + 54_000],
    ["2028-02-29", Date.UTC(2028, 1, 29) / 1000],
  ])("is in UTC unless it says otherwise: %s", (word, expected) => {
    expect(new Date(0).getTimezoneOffset()).not.toBe(0);
    expect(instant(word)).toBe(expected);
  });

  it.each([
    "",
    "now",
    "1795514400",
    "2026",
    "2026-11",
    "24 Nov 2026",
    "Nov 24 2026 10:00",
    "11/24/2026",
    "2026-11-24T10",
    "2026-11-24T",
    "2026-13-01",
    "2026-02-29",
    "2026-02-30T10:00Z",
    "2026-11-24T25:00",
    "2026-11-24T10:00:60",
    "2026-11-24T10:00 CET",
    "2026-11-24T10:00Z ",
    "-002026-11-24",
  ])("is refused where it could be read in different ways, or does not exist: %j", (word) => {
    expect(() => instant(word)).toThrow(/date or a time/);
  });

  it("is printed in a form that is accepted again", () => {
    expect(moment(DAY + 7)).toBe("2026-11-24T00:00:07Z");
    expect(instant(moment(DAY + 7))).toBe(DAY + 7);
    expect(moment(undefined)).toBe("");
  });
});

describe("text of others", () => {
  it.each([
    ["\u202Egnillib", "\\u202egnillib"],
    ["a\u2066b\u2069", "a\\u2066b\\u2069"],
    ["a\u200Eb\u200Fc\u061C", "a\\u200eb\\u200fc\\u061c"],
    ["bil\u200Bling\uFEFF", "bil\\u200bling\\ufeff"],
    ["a\u2028b\u2029c", "a\\u2028b\\u2029c"],
    ["\u001B[2J\u0007\u009B2J\u007F", "\\u001b[2J\\u0007\\u009b2J\\u007f"],
    ["a\u{E0041}", "a\\udb40\\udc41"],
    ["\uD800", "\\ud800"],
    ["José 日本 ß 🏭 a\\b", "José 日本 ß 🏭 a\\b"],
  ])("is escaped: %j", (text, expected) => {
    expect(printable(`first\n${text}`)).toBe(`first\n${expected}`);
    expect(JSON.parse(printable(JSON.stringify({ text })))).toEqual({ text });
  });

  it("stays in its cell", () => {
    expect(
      table(
        ["name", "since"],
        [
          ["a\nb\tc\r", "now"],
          ["d", "then"],
        ],
      ),
    ).toBe("NAME                   SINCE\na\\u000ab\\u0009c\\u000d  now\nd                      then");
  });
});
