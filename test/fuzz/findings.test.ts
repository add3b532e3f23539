import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readFindings } from "../../scripts/fuzz/findings.ts";
import { tryConversation } from "../../scripts/fuzz/http/conversation.ts";
import { openPool, type Pool } from "../../scripts/fuzz/http/pool.ts";
import type { Conversation } from "../../scripts/fuzz/http/requests.ts";
import { targets } from "../../scripts/fuzz/targets/all.ts";
import { ISSUER } from "../../scripts/fuzz/targets/token.ts";
import { addClient } from "../support/clients.ts";
import { openServer } from "../support/service.ts";

const findings = readFindings();

describe("what the fuzzer once found", () => {
  it.each(findings.filter(({ target }) => target !== "http"))(
    "is no more: $file, $violation",
    async ({ target, input }) => {
      await expect(targets[target]?.target.examine(input)).resolves.toMatchObject({ what: expect.any(String) });
    },
  );
});

describe("what the fuzzer once found over HTTP", () => {
  let server: Awaited<ReturnType<typeof openServer>>;
  let pool: Pool;
  beforeAll(async () => {
    server = await openServer({ issuer: ISSUER, clock: () => Math.floor(Date.now() / 1000) });
    const [admin, limited] = await Promise.all([
      addClient(server.service, { permissions: ["admin"] }),
      addClient(server.service, { permissions: ["issue"], scopes: ["a"], maxTtl: 60 }),
    ]);
    pool = await openPool({ port: portOf(server.url), clients: { admin, limited } });
    await pool.refill(1);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it.each(findings.filter(({ target }) => target === "http"))("is no more: $file, $violation", async ({ input }) => {
    const { outcomes } = await tryConversation({ port: portOf(server.url) }, pool, input as Conversation);
    expect(outcomes).not.toEqual([]);
  });
});

const portOf = (url: string) => Number(new URL(url).port);
