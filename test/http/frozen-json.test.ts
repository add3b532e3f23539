import { describe, expect, it } from "vitest";
import { stringify } from "../../src/http/rpc/frozen-json.ts";

const frozen = <Value>(value: Value): Value => Object.freeze(value);

describe("stringify", () => {
  it.each<[string, () => unknown]>([
    ["nothing", () => undefined],
    ["a text", () => "a"],
    ["null", () => null],
    ["an object", () => ({ a: 1, b: undefined })],
    ["a frozen object", () => frozen({ a: [1], b: { c: null } })],
    ["a frozen object of frozen parts", () => frozen({ a: frozen([1, undefined]), b: frozen({ c: null }) })],
    ["a frozen object of another prototype", () => frozen(new Map([[1, 2]]))],
  ])("serialises %s as JSON.stringify does, each time", (_name, make) => {
    const value = make();
    for (let time = 0; time < 4; time += 1) expect(stringify(value)).toBe(JSON.stringify(value));
  });

  it.each<[string, (part: { count: number }) => unknown]>([
    ["a part that is not frozen", (part) => frozen({ part })],
    ["a part of a list", (part) => frozen({ list: frozen([part]) })],
    [
      "an accessor",
      (part) =>
        frozen({
          get count() {
            return part.count;
          },
        }),
    ],
    ["a toJSON", (part) => frozen({ toJSON: () => part.count })],
    ["a toJSON of its class", (part) => frozen(Object.create({ toJSON: () => part.count }))],
    ["a toJSON of the class of a part", (part) => frozen({ a: frozen(Object.create({ toJSON: () => part.count })) })],
  ])("follows what a frozen object still changes by %s", (_name, make) => {
    const part = { count: 0 };
    const value = make(part);
    for (part.count = 0; part.count < 4; part.count += 1) expect(stringify(value)).toBe(JSON.stringify(value));
  });
});
