import { localCaller } from "../../src/service/access/caller.ts";
import { createTokenService } from "../../src/service/service.ts";
import { openMemoryStore } from "../../src/store/memory/memory.ts";
import { type Runtime, startRuntime } from "../../test/support/runtimes.ts";
import { inTables } from "./results.ts";
import { progress, quantile, type Report } from "./support.ts";
import { usageOf } from "./usage.ts";

const RUNTIMES: Runtime[] = ["workerd", "bun", "deno", "node by WebCrypto", "node"];
const ALGORITHMS = ["ES256", "RS256", "EdDSA"] as const;
const CONTENDERS = ["mintmark", "jose", "nothing"] as const;
const TOKENS = 500;
const PASSES = 6;
const ROUNDS = 9;

/**
 * Verification of tokens that are not cached, within each runtime: the processor time of its process, beside `jose` with
 * the same tokens and a key that is imported once, by turns. Programs: `npm ci --prefix test/runtimes`.
 */
export async function measure(): Promise<Report> {
  const works = await Promise.all(ALGORITHMS.map(issue));
  const report: Report = {};
  for (const runtime of RUNTIMES) {
    await using running = await startRuntime(runtime, "measured");
    for (const work of works) {
      await running.post({ load: work, alg: work.alg });
      report[`${work.alg} in ${runtime}`] = await measureRounds(running, work.alg);
      progress(`${work.alg} in ${runtime}: ${report[`${work.alg} in ${runtime}`]}`);
    }
  }
  return inTables("runtimes", [], report);
}

async function issue(alg: (typeof ALGORITHMS)[number]) {
  const service = await createTokenService({
    store: openMemoryStore(),
    alg,
    issuer: "https://tokens.example",
    open: false,
  });
  const one = () => service.getToken(localCaller, { claims: {}, subject: "ada", scope: "orders:read" });
  const tokens = (await Promise.all(Array.from({ length: TOKENS }, one))).map(({ token }) => token);
  const [jwk = {}] = service.jwks().keys;
  await service.close();
  return { alg, issuer: service.issuer, tokens, jwk };
}

type Running = Awaited<ReturnType<typeof startRuntime>>;

/** Medians, less what a pass without verification takes. */
async function measureRounds({ post, pid }: Running, alg: string): Promise<string> {
  const times = new Map(CONTENDERS.map((contender) => [contender as string, [] as number[]]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [contender, each] of times) {
      const before = usageOf(pid).cpu;
      await post({ contender, alg, passes: PASSES });
      if (round > 1) each.push((usageOf(pid).cpu - before) / (TOKENS * PASSES));
    }
  }
  const median = (name: string) => quantile(times.get(name) ?? [], 0.5);
  const [own, jose] = ["mintmark", "jose"].map((name) => median(name) - median("nothing"));
  return `mintmark ${own?.toFixed(0)} µs · jose ${jose?.toFixed(0)} µs (×${((jose ?? 0) / (own ?? 1)).toFixed(2)})`;
}
