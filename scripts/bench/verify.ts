import {
  BARE,
  type Contender,
  EXPRESS,
  FASTIFY,
  FASTIFY_CACHED,
  HONO,
  MINTMARK,
  OIDC_PROVIDER,
  RAW,
  type Running,
  startContender,
  TRPC_JOSE,
  TUTORIAL,
} from "./contenders.ts";
import { inTables, type Table } from "./results.ts";
import { measureAtRate, measureRounds, type Row } from "./rounds.ts";
import { progress, type Report } from "./support.ts";
import { tokensFor } from "./tokens.ts";

/** More tokens than any cache of a contender holds: no token is cached when it comes again. */
const DIFFERENT = 12_000;

/** Verification over HTTP: one token a request, 50 tokens a request, and different tokens. */
export async function measure(): Promise<Report> {
  const peers = [BARE, MINTMARK, FASTIFY_CACHED, FASTIFY, HONO, EXPRESS, TRPC_JOSE, OIDC_PROVIDER, ...TUTORIAL];
  const one = await measureOne(peers);
  const many = await withAll([BARE, MINTMARK], async (all) => {
    const entries = await Promise.all(
      all.map(async (running) => {
        const { name } = running;
        const tokens = await tokensFor(running, 50);
        if (name === BARE.name) return { name, running, requests: [running.verify(tokens[0] ?? "")] };
        return { name, running, requests: [running.verifyMany(tokens)], perRequest: 50 };
      }),
    );
    return measureRounds(entries);
  });
  const different = await withAll([BARE, RAW, MINTMARK, FASTIFY, TRPC_JOSE], async (all) => {
    const entries = [];
    for (const running of all) {
      const tokens = await tokensFor(running, running.name === BARE.name ? 1 : DIFFERENT);
      entries.push({ name: running.name, running, requests: tokens.map(running.verify) });
      progress(`${running.name} has its tokens`);
    }
    return measureRounds(entries);
  });
  const tables: Table[] = [
    { title: "verifyToken, one token a request (ES256)", unit: "tokens", rows: one },
    { title: "verifyToken, 50 tokens a request (ES256)", unit: "tokens", rows: many },
    { title: "verifyToken, all tokens different (ES256)", unit: "tokens", rows: different },
  ];
  const most = one.find(({ name }) => name === MINTMARK.name)?.perSecond ?? 0;
  const half = await withAll([BARE, MINTMARK], async (all) => {
    const entries = await Promise.all(
      all.map(async (running) => {
        const [token = ""] = await tokensFor(running, 1);
        return { name: `verifyToken (${running.name})`, running, requests: [running.verify(token)] };
      }),
    );
    return measureAtRate(entries, most / 2);
  });
  return inTables("verify", tables, half);
}

async function measureOne(peers: readonly Contender[]): Promise<Row[]> {
  return withAll(peers, async (all) => {
    const entries = [];
    for (const running of all) {
      const [token = ""] = await tokensFor(running, 1);
      entries.push({ name: running.name, running, requests: [running.verify(token)] });
    }
    return measureRounds(entries);
  });
}

/** Starts contenders, calls `work`, and ends them. */
export async function withAll<Outcome>(
  contenders: readonly Contender[],
  work: (all: Running[]) => Promise<Outcome>,
): Promise<Outcome> {
  const all: Running[] = [];
  try {
    for (const contender of contenders) all.push(await startContender(contender));
    return await work(all);
  } finally {
    await Promise.all(all.map(({ stop }) => stop()));
  }
}
