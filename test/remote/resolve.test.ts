import { createSocket } from "node:dgram";
import { once } from "node:events";
import { isIP } from "node:net";
import { afterAll, describe, expect, it } from "vitest";
import { createDnsResolve } from "../../src/remote/resolve.ts";

/** The records of a name server. A name without any is unknown; one that is not here is never answered. */
const RECORDS: Record<string, string[]> = {
  "both.example": ["192.0.2.1", "192.0.2.2", "2001:db8::1"],
  "four.example": ["192.0.2.1"],
  "six.example": ["2001:db8::1"],
  "unknown.example": [],
};

const [A, AAAA, NXDOMAIN] = [1, 28, 3];

function bytesOf(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number));
  const groups = address.split("::").map((half) => half.split(":").map((group) => group.padStart(4, "0")));
  const [head = [], tail = []] = groups;
  return Buffer.from([...head, ...Array(8 - head.length - tail.length).fill("0000"), ...tail].join(""), "hex");
}

/** The answer to a query (RFC 1035 §4.1), or `undefined`. */
function answerTo(query: Buffer): Buffer | undefined {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("ascii", at + 1, at + 1 + length));
    at += length + 1;
  }
  const records = RECORDS[labels.join(".").toLowerCase()];
  if (records === undefined) return undefined;
  const type = query.readUInt16BE(at + 1);
  const found = records.filter((address) => type === (isIP(address) === 4 ? A : AAAA)).map(bytesOf);
  const head = Buffer.from(query.subarray(0, 12));
  head.writeUInt16BE(0x8180 | (records.length === 0 ? NXDOMAIN : 0), 2);
  head.writeUInt16BE(found.length, 6);
  head.writeUInt32BE(0, 8);
  const answers = found.map((data) => {
    const fields = Buffer.from("c00c00000001000000000000", "hex");
    fields.writeUInt16BE(type, 2);
    fields.writeUInt16BE(data.length, 10);
    return Buffer.concat([fields, data]);
  });
  return Buffer.concat([head, query.subarray(12, at + 5), ...answers]);
}

const server = createSocket("udp4");
server.on("message", (query, { port, address }) => {
  const answer = answerTo(query);
  if (answer !== undefined) server.send(answer, port, address);
});
await once(server.bind(0, "127.0.0.1"), "listening");
afterAll(() => void server.close());

const resolve = createDnsResolve([`127.0.0.1:${server.address().port}`]);
const never = new AbortController().signal;

describe("createDnsResolve", () => {
  it.each([
    ["both.example", ["192.0.2.1", "192.0.2.2", "2001:db8::1"]],
    ["four.example", ["192.0.2.1"]],
    ["six.example", ["2001:db8::1"]],
  ])("resolves %s to all its addresses", async (host, addresses) => {
    expect(await resolve(host, never)).toEqual(addresses);
  });

  it("rejects for an unknown name", async () => {
    await expect(resolve("unknown.example", never)).rejects.toMatchObject({ code: "ENOTFOUND" });
  });

  it("rejects at once when its signal aborts", async () => {
    const before = performance.now();
    await expect(resolve("silent.example", AbortSignal.timeout(50))).rejects.toMatchObject({ code: "ECANCELLED" });
    expect(performance.now() - before).toBeLessThan(1000);
  });
});
