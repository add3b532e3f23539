import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { forge } from "../../support/forge.ts";
import { send } from "../../support/request.ts";
import type { AttackRun } from "./attack-run.ts";
import { WELCOME } from "./frameworks.ts";

const BAD = "Bearer bad";

/** Header lines and bodies of requests with a valid token in a wrong place. */
function requestsWith(good: string): Record<string, { method?: string; lines: string[]; body?: string }> {
  return {
    "a good token after a bad one": { lines: [`Authorization: ${BAD}`, `Authorization: Bearer ${good}`] },
    "a good token before a bad one": { lines: [`authorization: Bearer ${good}`, `AUTHORIZATION: ${BAD}`] },
    "a good token after an empty one": { lines: ["Authorization:", `Authorization: Bearer ${good}`] },
    "a good token behind a comma": { lines: [`Authorization: ${BAD}, Bearer ${good}`] },
    "a good token before a comma": { lines: [`Authorization: Bearer ${good},`] },
    "a good token behind another scheme": { lines: [`Authorization: Basic Bearer ${good}`] },
    "a good token without a scheme": { lines: [`Authorization: ${good}`] },
    "a good token in the header of a proxy": { lines: [`Proxy-Authorization: Bearer ${good}`] },
    "a good token in a header like it": {
      lines: [`X-Authorization: Bearer ${good}`, `Authorization_: Bearer ${good}`],
    },
    "a good token in a cookie": { lines: [`Cookie: access_token=${good}; Authorization=Bearer ${good}`] },
    "a good token in the trailer": {
      lines: ["Transfer-Encoding: chunked", "Trailer: Authorization"],
      body: `0\r\nAuthorization: Bearer ${good}\r\n\r\n`,
    },
    "a bad token by HEAD": { method: "HEAD", lines: [`Authorization: ${BAD}`] },
    "no token by HEAD": { method: "HEAD", lines: [] },
    "a bad token and another method to use": { lines: [`Authorization: ${BAD}`, "X-HTTP-Method-Override: OPTIONS"] },
  };
}

/** Valid tokens in wrong places, and ambiguous requests. */
export function requestAttacks(attackRun: AttackRun): void {
  const { es256 } = attackRun.targets.forges;
  const good = forge(es256);

  test("open nothing, and neither do requests without one", async () => {
    for (const { name, url } of attackRun.protectedUrls) {
      expect(await exchange(url, { lines: [`Authorization: Bearer ${good}`] }), name).toContain(WELCOME);
      for (const [what, request] of Object.entries(requestsWith(good))) {
        const answer = await exchange(url, request);
        expect(answer, `${name}: ${what}`).not.toContain(WELCOME);
        // tRPC responds to HEAD itself, and calls no procedure.
        expect(answer, `${name}: ${what}`).toMatch(/^HTTP\/1\.1 (40[015]|204) /);
      }
    }
  });

  test("are not looked for in a body that is compressed: nothing is ever inflated", async () => {
    const { url } = attackRun.targets.byAlg.get("ES256") ?? { url: "" };
    const answer = await send(`${url}/trpc/verifyToken`, {
      method: "POST",
      headers: { "content-type": "application/json", "content-encoding": "gzip" },
      body: gzipSync(JSON.stringify({ token: good, padding: " ".repeat(10_000_000) })),
    });
    expect(answer).toMatchObject({ status: 415 });
    expect(JSON.parse(answer.text).error.data.reason).toBe("unsupported_media_type");
  });

  test("count in a batch for their own call alone, and for none where its body holds an input of no call", async () => {
    const { url } = attackRun.targets.byAlg.get("ES256") ?? { url: "" };
    const [right, wrong] = [JSON.stringify({ token: good }), JSON.stringify({ token: `${good}A` })];
    const path = `${url}/trpc/${Array(4).fill("verifyToken").join(",")}?batch=1`;
    const reasonsOf = async (body: string) => {
      const { text } = await send(path, { method: "POST", headers: { "content-type": "application/json" }, body });
      const answers: { error?: { data: { reason: string } } }[] = JSON.parse(text);
      return answers.map(({ error }) => error?.data.reason ?? "served");
    };
    const inputs = `"1":${right},"0":${wrong},"2":${wrong},"3":{}`;
    expect(await reasonsOf(`{${inputs}}`)).toEqual(["invalid_token", "served", "invalid_token", "invalid_request"]);
    for (const more of [`"02":${right}`, `"-1":${right}`, `"4":${right}`, `"__proto__":{"3":${right}}`])
      expect(await reasonsOf(`{${inputs},${more}}`), more).toEqual(Array(4).fill("malformed_request"));
  });
}

type Handmade = { method?: string; lines: readonly string[]; body?: string };

/** Sends a request verbatim. Returns the whole response. */
async function exchange(url: string, { method = "GET", lines, body = "" }: Handmade): Promise<string> {
  const { hostname, port, pathname } = new URL(url);
  const socket = connect(Number(port), hostname);
  const head = [`${method} ${pathname} HTTP/1.1`, "Host: localhost", "Connection: close", ...lines];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  return text(socket);
}
