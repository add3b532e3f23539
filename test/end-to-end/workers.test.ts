import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { scrape } from "../support/metrics.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { startInVain, startServer } from "../support/process.ts";
import { childrenOf } from "../support/process-tree.ts";
import { call, send } from "../support/request.ts";
import { temporaryFolder } from "../support/service.ts";

/** Longest time between the response to a revocation and the rejection by another worker, in milliseconds. */
const BOUND = 1000;
const WORKERS = 2;

const ISSUED = 'tokens_issued_total{procedure="getToken"}';

/** Sends as many requests, each on a new connection, as reach every worker. */
async function askAll(origin: string, procedure: string, input: unknown): Promise<number[]> {
  const answers = Array.from({ length: WORKERS * 4 }, () => call(origin, procedure, input));
  return (await Promise.all(answers)).map(({ status }) => status);
}

function logged(stderr: string, message: string): { worker: number }[] {
  return stderr.split("\n").flatMap((line) => (line.includes(message) ? [JSON.parse(line)] : []));
}

function describeWorkers(environment: () => Promise<Record<string, string>>): void {
  let server: Awaited<ReturnType<typeof startServer>>;
  beforeAll(async () => {
    server = await startServer({ PORT: "0", MINTMARK_WORKERS: `${WORKERS}`, ...(await environment()) });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("sign with one key, and have each other's revocations within the bound", async () => {
    const { origin } = server;
    const issued = await Promise.all(Array.from({ length: 12 }, () => call(origin, "getToken", {})));
    const tokens = issued.map(({ data }) => (data as { token: string }).token);
    const kids = tokens.map((token) => JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()).kid);
    expect(new Set(kids).size).toBe(1);
    for (const token of tokens.slice(0, 2)) {
      expect(new Set(await askAll(origin, "verifyToken", { token }))).toEqual(new Set([200]));
      expect(await call(origin, "revokeToken", { token })).toMatchObject({ status: 200 });
      const start = performance.now();
      await vi.waitFor(
        async () => expect(new Set(await askAll(origin, "verifyToken", { token }))).toEqual(new Set([401])),
        {
          timeout: BOUND,
          interval: 5,
        },
      );
      expect(performance.now() - start).toBeLessThan(BOUND);
    }
    expect(await call(origin, "keys.rotate", { immediate: true })).toMatchObject({ status: 200 });
    const { token } = (await call(origin, "getToken", {})).data as { token: string };
    expect(new Set(await askAll(origin, "verifyToken", { token }))).toEqual(new Set([200]));
  });

  it("are counted together by every scrape", async () => {
    const { origin } = server;
    const before = (await scrape(origin)).of(ISSUED) ?? 0;
    await Promise.all(Array.from({ length: 12 }, () => call(origin, "getToken", {})));
    const scrapes = await Promise.all(Array.from({ length: WORKERS * 4 }, () => scrape(origin)));
    expect(scrapes.map(({ of }) => of(ISSUED))).toEqual(scrapes.map(() => before + 12));
    const [{ of, values }] = scrapes as [(typeof scrapes)[0]];
    expect(of('http_requests_total{route="/trpc/getToken",status="2xx"}')).toBe(before + 12);
    expect(of('keys{state="active"}')).toBe(1);
    // The sum of the workers and the primary process: one process has more than 40 MB.
    expect(values.get("process_resident_memory_bytes")).toBeGreaterThan((WORKERS + 1) * 40e6);
  });

  it("are replaced when they end, and end with the first process, with status 0", async () => {
    const { origin } = server;
    const issued = (await scrape(origin)).of(ISSUED);
    expect(issued).toBeGreaterThan(12);
    const victims = childrenOf(server.pid);
    expect(victims).toHaveLength(WORKERS);
    for (const pid of victims) process.kill(pid, "SIGKILL");
    const replaced = () => logged(server.stderr(), "is replaced").map(({ worker }) => worker);
    await vi.waitFor(() => expect(replaced().sort()).toEqual(victims.sort()), 10_000);
    await vi.waitFor(() => expect(childrenOf(server.pid)).toHaveLength(WORKERS), 10_000);
    await vi.waitFor(async () => expect(await send(`${origin}/readyz`)).toMatchObject({ status: 200 }), 10_000);
    // The counts of ended workers remain: a counter that falls looks like a restart.
    await vi.waitFor(async () => expect((await scrape(origin)).of(ISSUED)).toBe(issued), 10_000);
    const workers = childrenOf(server.pid);
    expect(await server.stop("SIGTERM")).toMatchObject({ code: 0 });
    for (const pid of workers) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });
}

describe("workers on the embedded database", () => {
  const folder = temporaryFolder();
  describeWorkers(async () => ({ MINTMARK_DATA: join(folder.path, "data") }));

  it("do not start where one server could not, and give the reason once", async () => {
    const ended = await startInVain({
      PORT: "0",
      MINTMARK_WORKERS: "2",
      MINTMARK_DATA: join(import.meta.filename, "x"),
    });
    expect(ended).toMatchObject({
      code: 1,
      stdout: "",
      message: expect.stringMatching(/^MINTMARK_DATA .*$/),
    });
  });
});

describePostgres("workers on PostgreSQL", () => {
  describeWorkers(async () => ({
    DATABASE_URL: await sharedPostgres.newDatabase(),
    MINTMARK_KEK: randomBytes(32).toString("base64url"),
  }));
});
