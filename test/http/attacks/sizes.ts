import { expect } from "vitest";
import { ask, JSON_BODY, post } from "../../support/http-attacks.ts";
import { dial, raw, received, statuses } from "../../support/raw.ts";
import type { Suite } from "./rows.ts";

const KIB = 1024;
const LIMIT = 64 * KIB;

/** JSON of a length in bytes. */
const jsonOf = (length: number) => `{"token":"${"x".repeat(length - 12)}"}`;
const head = (...lines: string[]) =>
  ["POST /trpc/verifyToken HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", ...lines, "", ""].join(
    "\r\n",
  );

export function sizeAttacks({ row, open, closed }: Suite): void {
  for (const chunked of [false, true]) {
    row(
      "oversized body",
      `64 KiB are read and one byte more is not, ${chunked ? "in chunks" : "by length"}`,
      async () => {
        const of = (body: string) =>
          ask(open.url, "verifyToken", { method: "POST", headers: JSON_BODY, body, chunked });
        expect(await of(jsonOf(LIMIT))).toMatchObject({ status: 401, reasons: ["invalid_token"] });
        expect(await of(jsonOf(LIMIT + 1))).toMatchObject({ status: 413, reasons: ["payload_too_large"] });
        expect(await of("[".repeat(LIMIT + 1))).toMatchObject({ status: 413, reasons: ["payload_too_large"] });
      },
    );
  }

  row("oversized body", "a length that is announced is refused without waiting for the body", async () => {
    for (const length of [LIMIT + 1, 10 * 2 ** 30, Number.MAX_SAFE_INTEGER]) {
      const socket = await dial(open.url);
      socket.write(head(`Content-Length: ${length}`));
      const [first] = (await new Promise<Buffer>((resolve) => socket.once("data", resolve))).toString().split("\r\n");
      expect(first).toBe("HTTP/1.1 413 Payload Too Large");
      socket.destroy();
    }
  });

  row("oversized body", "chunks without end are refused as soon as they are too many", async () => {
    const socket = await dial(open.url);
    const answer = received(socket);
    socket.write(head("Transfer-Encoding: chunked", "Connection: close"));
    let sent = 0;
    const chunk = `4000\r\n${"x".repeat(0x4000)}\r\n`;
    const flood = setInterval(() => {
      sent += socket.closed ? 0 : chunk.length;
      socket.write(chunk);
    }, 1);
    expect(statuses(await answer)).toEqual([413]);
    clearInterval(flood);
    expect(sent).toBeGreaterThan(0);
  });

  row("oversized body", "is refused alike before it is known who calls", async () => {
    expect(await ask(closed.url, "verifyToken", post(jsonOf(2 * LIMIT)))).toMatchObject({ status: 413 });
    expect(await ask(closed.url, "getToken", post(jsonOf(2 * LIMIT)))).toMatchObject({ status: 413 });
  });

  row("oversized URL", "a head of more than 16 KiB is refused, in the path, the query or any header", async () => {
    const long = "x".repeat(17 * KIB);
    for (const [target, header] of [
      [`/trpc/${long}`, ""],
      [`/trpc/getToken?input=${long}`, ""],
      ["/trpc/getToken", `X-Long: ${long}\r\n`],
      ["/trpc/getToken", `Authorization: Basic ${long}\r\n`],
      ["/trpc/getToken", `X-Forwarded-For: ${"1.1.1.1,".repeat(2200)}\r\n`],
      ["/trpc/getToken", "X-Many: 1\r\n".repeat(3000)],
    ]) {
      const text = await raw(open.url, `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n${header}\r\n`);
      expect(statuses(text)).toEqual([431]);
    }
  });

  row("oversized URL", "one that just fits is answered as any other", async () => {
    const { status } = await ask(open.url, `getToken?input=${"x".repeat(15 * KIB)}`);
    expect(status).toBe(400);
    expect(await ask(open.url, "x".repeat(15 * KIB))).toMatchObject({ status: 404, reasons: ["not_found"] });
  });

  row("deep JSON", "lists and objects inside of each other are refused, in every place of an input", async () => {
    const depth = 15_000;
    const [lists, objects] = [
      "[".repeat(depth) + "]".repeat(depth),
      `${'{"a":'.repeat(depth / 2)}1${"}".repeat(depth / 2)}`,
    ];
    for (const deep of [lists, objects]) {
      for (const [procedure, body] of [
        ["getToken", deep],
        ["getToken", `{"claims":{"x":${deep}}}`],
        ["getToken", `{"subject":${deep}}`],
        ["verifyToken", `{"token":${deep}}`],
        ["getToken,getToken?batch=1", `{"0":${deep},"1":{"claims":{"x":${deep.slice(0, 0)}0}}}`],
      ] as const) {
        const { status, reasons } = await ask(open.url, procedure, post(body));
        expect([procedure, status, reasons[0]]).toEqual([procedure, reasons.length > 1 ? 207 : 400, "invalid_request"]);
      }
    }
    expect(await ask(open.url, "getToken", post("[".repeat(60_000)))).toMatchObject({ status: 400 });
  });
}
