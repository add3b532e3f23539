import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressPrefix } from "../../src/service/throttle/call-limits.ts";

describe("an address is counted by", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:2::", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:db8:1::7:8", "2001:db8:1:0::/64"],
    ["2001::6:7:8", "2001:0:0:0::/64"],
    ["1:2:3:4:5:6:7::", "1:2:3:4::/64"],
    ["::2:3:4:5:6:7:8", "0:2:3:4::/64"],
    ["64:ff9b::192.0.2.1", "64:ff9b:0:0::/64"],
    ["1:2:3::4:5:192.0.2.1", "1:2:3:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["unknown", "unknown"],
    ["", ""],
  ])("%s: %s", (address, network) => {
    expect(addressPrefix(address)).toBe(network);
  });

  it("its first four groups, in every spelling", () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), fc.nat(7), fc.nat(8), (groups, from, length) => {
        const hex = groups.map((group, at) => (at >= from && at < from + length ? 0 : group).toString(16));
        const shortened = `${hex.slice(0, from).join(":")}::${hex.slice(from + length).join(":")}`;
        const whole = addressPrefix(hex.join(":"));
        expect(whole).toBe(`${hex.slice(0, 4).join(":")}::/64`);
        if (length > 0) expect(addressPrefix(shortened)).toBe(whole);
        expect(addressPrefix(hex.map((group) => group.padStart(4, "0").toUpperCase()).join(":"))).toBe(whole);
      }),
    );
  });
});
