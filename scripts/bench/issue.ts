import {
  BARE,
  EXPRESS,
  FASTIFY,
  FASTIFY_HS256,
  HONO,
  MINTMARK,
  type Running,
  startContender,
  TRPC_JOSE,
  TUTORIAL,
} from "./contenders.ts";
import { inTables } from "./results.ts";
import { measureAtRate, measureRounds, type Row } from "./rounds.ts";
import type { Report } from "./support.ts";
import { withAll } from "./verify.ts";

/** Calls in a batch. */
const BATCH = 50;

/** Issuance over HTTP, with ES256, with HS256, and in batches. Mintmark alone writes an audit record durably before it answers. */
export async function measure(): Promise<Report> {
  const byKeyPair = await withAll([MINTMARK, FASTIFY, HONO, EXPRESS, TRPC_JOSE, ...TUTORIAL], measureOne);
  const bySecret = await withSecret((mintmark) =>
    withAll([FASTIFY_HS256, ...TUTORIAL], (peers) => measureOne([mintmark, ...peers])),
  );
  const batches = await withAll([MINTMARK], async ([running]) => {
    if (running === undefined) return [];
    return measureRounds([
      { name: "one a request", running, requests: [running.issue()] },
      { name: `${BATCH} a request`, running, requests: [running.issueMany(BATCH)], perRequest: BATCH },
    ]);
  });
  const [mintmark] = byKeyPair;
  const half = await withAll([BARE, MINTMARK], (all) => {
    const entries = all.map((running) => ({
      name: `getToken (${running.name})`,
      running,
      requests: [running.issue()],
    }));
    return measureAtRate(entries, (mintmark?.perSecond ?? 0) / 2);
  });
  const tables = [
    { title: "getToken (ES256, Mintmark with its audit log)", unit: "tokens", rows: byKeyPair },
    { title: "getToken (HS256, Mintmark with its audit log)", unit: "tokens", rows: bySecret },
    { title: `getToken in batches of ${BATCH} (ES256)`, unit: "tokens", rows: batches },
  ];
  return inTables("issue", tables, {
    ...ratiosOf("ES256", byKeyPair),
    ...ratiosOf("HS256", bySecret),
    [`a token of a batch of ${BATCH}, against one a request`]: ratio(batches[1], batches[0], BATCH),
    ...half,
  });
}

const measureOne = (all: readonly Running[]): Promise<Row[]> =>
  measureRounds(all.map((running) => ({ name: running.name, running, requests: [running.issue()] })));

async function withSecret<Outcome>(work: (mintmark: Running) => Promise<Outcome>): Promise<Outcome> {
  const running = await startContender(MINTMARK, { MINTMARK_SECRET: "0123456789abcdef0123456789ABCDEF" });
  return work(running).finally(() => running.stop());
}

/** Processor time of Mintmark against that of each peer. */
function ratiosOf(alg: string, [mintmark, ...peers]: readonly Row[]): Report {
  return Object.fromEntries(peers.map((peer) => [`${alg}, against ${peer.name}`, ratio(mintmark, peer)]));
}

function ratio(one: Row | undefined, other: Row | undefined, perRequest = 1): string {
  return one === undefined || other === undefined
    ? ""
    : `${(one.cpu / perRequest / other.cpu).toFixed(2)} of the processor time`;
}
