import { expect, test } from "vitest";
import type { ServerOptions } from "../../src/http/options.ts";
import type { TokenServiceOptions } from "../../src/service/options.ts";
import type { AnyClaims, ClaimsSchema } from "../../src/token/claims.ts";
import { basic, type Credentials } from "./call-as.ts";
import { addClient } from "./clients.ts";
import { captureLog } from "./log.ts";
import { type Answer, type RawRequest, send } from "./request.ts";
import { openServer } from "./service.ts";

export type HttpAttackSuite<Row extends string> = Awaited<ReturnType<typeof openHttpAttackSuite<Row>>>;

/** A server on a new service, and its log. */
export async function openTarget<Schema extends ClaimsSchema = AnyClaims>(
  options: TokenServiceOptions<Schema> = {},
  more: ServerOptions = {},
) {
  const { lines, logger } = captureLog();
  return { ...(await openServer(options, { logger, ...more })), log: () => lines.join("") };
}

/** Tests by rows of the list of attacks, on an open server and one for clients. */
export async function openHttpAttackSuite<Row extends string>(rows: readonly Row[]) {
  const open = await openTarget();
  const closed = await openTarget({ open: false });
  const client: Credentials = await addClient(closed.service, { permissions: ["admin"], anySubject: true });
  const covered = new Set<Row>();

  return {
    open,
    closed,
    client,
    authorization: basic(client),
    uncovered: () => rows.filter((row) => !covered.has(row)),
    /** After each attack both servers serve as before. */
    row(row: Row, name: string, attack: () => Promise<unknown>): void {
      covered.add(row);
      test(`${row}: ${name}`, async () => {
        await attack();
        for (const { url } of [open, closed]) expect(await send(`${url}/readyz`)).toMatchObject({ status: 200 });
      });
    },
    async [Symbol.asyncDispose]() {
      await open[Symbol.asyncDispose]();
      await closed[Symbol.asyncDispose]();
    },
  };
}

/** Sends a request under `/trpc/`, and reads the reason of each call. */
export async function ask(
  url: string,
  path: string,
  request: RawRequest = {},
): Promise<Answer & { reasons: string[] }> {
  const answer = await send(`${url}/trpc/${path}`, request);
  const envelopes = answer.text.startsWith("{") || answer.text.startsWith("[") ? [JSON.parse(answer.text)].flat() : [];
  return { ...answer, reasons: envelopes.map(({ error }) => error?.data.reason ?? "served") };
}

export const JSON_BODY = { "content-type": "application/json" };

/** A POST of JSON. */
export function post(input: unknown, headers: Record<string, string> = {}): RawRequest {
  const body = typeof input === "string" ? input : JSON.stringify(input);
  return { method: "POST", headers: { ...JSON_BODY, ...headers }, body };
}
