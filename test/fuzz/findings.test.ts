import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../src/time.ts";
import { addClient } from "../support/clients.ts";
import { ISSUER, openServer } from "../support/service.ts";
import { readFindings } from "./findings.ts";
import { tryConversation } from "./http/conversation.ts";
import { openPool, type Pool } from "./http/pool.ts";
import type { Conversation } from "./http/requests.ts";
import { targets } from "./targets/all.ts";

const findings = readFindings();

describe("an input that the fuzzer found", () => {
  it.each(findings.filter(({ target }) => target !== "http"))(
    "$file breaks no promise: $violation",
    async (finding) => {
      const outcome = await targets[finding.target]?.target.examine(finding.input);
      expect(outcome).toMatchObject({ what: expect.any(String) });
    },
  );
});

describe("a conversation that the fuzzer found", () => {
  let server: Awaited<ReturnType<typeof openServer>>;
  let pool: Pool;
  const address = () => ({ port: Number(new URL(server.url).port) });
  beforeAll(async () => {
    server = await openServer({ issuer: ISSUER, clock: systemClock });
    const admin = await addClient(server.service, { permissions: ["admin"] });
    const limited = await addClient(server.service, { permissions: ["issue"], scopes: ["a"], maxTtl: 60 });
    const posting = await addClient(server.service, { permissions: ["issue"], authMethod: "client_secret_post" });
    pool = await openPool({ ...address(), clients: { admin, limited, posting } });
    await pool.refill(1);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it.each(findings.filter(({ target }) => target === "http"))(
    "$file breaks no promise: $violation",
    async (finding) => {
      const { outcomes } = await tryConversation(address(), pool, finding.input as Conversation);
      expect(outcomes).not.toEqual([]);
    },
  );
});
