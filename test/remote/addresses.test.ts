import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isLoopbackAddress, isPublicAddress } from "../../src/remote/addresses.ts";

/** As a URL spells it, parsed. */
const hostOf = (url: string) => new URL(url).hostname.replace(/^\[|\]$/g, "");

describe("isPublicAddress", () => {
  it.each([
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "168.63.129.15",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "2a00:1450:4001:830::200e",
    "3ffe::1",
  ])("accepts %s", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each([
    // Loopback and this host.
    "127.0.0.1",
    "127.255.255.255",
    "0.0.0.0",
    "0.1.2.3",
    "::1",
    "::",
    // Private networks, carrier-grade NAT, link-local.
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.0.1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    // Metadata services of clouds.
    "169.254.169.254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd20:ce::254",
    // Protocol assignments, relays, benchmarks, documentation.
    "192.0.0.1",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:2::1",
    "2001:20::1",
    "2001:db8::1",
    "2620:4f:8000::1",
    "3fff::1",
    "5f00::1",
    "100::1",
    // Multicast, reserved, broadcast.
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "ff02::1",
    "ff0e::1",
    // IPv4 within IPv6: mapped, translated, compatible, 6to4, NAT64; also of public addresses.
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:8.8.8.8",
    "::ffff:0:10.0.0.1",
    "::127.0.0.1",
    "::a00:1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2002:808:808::1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    // No addresses.
    "",
    "localhost",
    "example.com",
    "127.1",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "2130706433",
    "8.8.8.8 ",
    "8.8.8.8:443",
    "[2606:4700:4700::1111]",
  ])("refuses %j", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each([
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.0.0.1./",
    "http://①②⑦.⓪.⓪.①/",
    "http://%31%32%37.0.0.1/",
    "http://127。0。0。1/",
    "http://0/",
    "http://0xa9fea9fe/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]/",
    "http://[::]/",
    "http://[0000::0001]/",
    "http://[64:ff9b::10.0.0.1]/",
  ])("refuses the host of %s", (url) => {
    expect(isPublicAddress(hostOf(url))).toBe(false);
  });

  it("refuses every IPv4 address in an IPv6 one, as URLs spell it", () => {
    const prefix = fc.constantFrom("::ffff:", "::", "64:ff9b::", "::ffff:0:", "64:ff9b:1::");
    const property = fc.property(prefix, fc.ipV4(), (before, address) => {
      expect(isPublicAddress(hostOf(`http://[${before}${address}]/`))).toBe(false);
    });
    fc.assert(property);
  });
});

describe("isLoopbackAddress", () => {
  it.each(["127.0.0.1", "127.8.9.10", "::1"])("accepts %s", (address) => {
    expect(isLoopbackAddress(address)).toBe(true);
  });

  it.each(["", "localhost", "126.0.0.1", "128.0.0.1", "10.0.0.1", "::", "::2", "::ffff:127.0.0.1", "127.1"])(
    "refuses %j",
    (address) => {
      expect(isLoopbackAddress(address)).toBe(false);
    },
  );
});
