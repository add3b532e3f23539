/**
 * Loads a server with a mixture of requests, for tokens and grants from its own responses. Run by `soak.ts`, on a
 * processor of its own; reports every few seconds.
 */
import { once } from "node:events";
import { type Pace, runPaced } from "./pace.ts";
import { quantile } from "./support.ts";
import { type Connection, call, connectTo } from "./wire.ts";

export type SoakPlan = Pace & { port: number };

/** Requests a second, latency in milliseconds, and wrong responses until now. */
export type SoakReport = { perSecond: number; p50: number; p99: number; wrong: Wrong; isLast: boolean };

/** Counts, by procedure and reason. */
export type Wrong = Record<string, number>;

const REPORT_MS = 5000;
/** Age up to which an access or refresh token is used, in milliseconds: they expire after a minute and two. */
const FRESH_MS = 25_000;
/** Age up to which a grant is refreshed, in milliseconds: it ends after two minutes. */
const YOUNG_MS = 110_000;
const MAX_POOL = 3000;

/** `since` is the begin of its grant. */
type Pooled = { text: string; at: number; since: number };

const tokens: Pooled[] = [];
const refreshTokens: Pooled[] = [];
const revoked = new Set<string>();
const wrong: Wrong = {};

function put(pool: Pooled[], text: string | undefined, since = performance.now()): void {
  if (text === undefined) return;
  pool.push({ text, at: performance.now(), since });
  if (pool.length > MAX_POOL) pool.shift();
}

/** A fresh one at random, which stays in the pool unless it is taken. */
function pick(pool: Pooled[], { take }: { take: boolean }): Pooled | undefined {
  while (pool.length > 0 && performance.now() - (pool[0]?.at ?? 0) > FRESH_MS) pool.shift();
  const at = Math.floor(Math.random() * pool.length);
  return take ? pool.splice(at, 1)[0] : pool[at];
}

function expect(isRight: boolean, response: string): void {
  if (!isRight) wrong[response] = (wrong[response] ?? 0) + 1;
}

async function issue(connection: Connection, refreshable: boolean): Promise<void> {
  const { status, reason, data } = await call(connection, "getToken", { subject: "ada", refreshable });
  expect(status === 200, `getToken ${reason}`);
  put(tokens, data?.token);
  put(refreshTokens, data?.refreshToken);
}

async function verify(connection: Connection): Promise<void> {
  const token = pick(tokens, { take: false })?.text;
  if (token === undefined) return issue(connection, false);
  const { status, reason } = await call(connection, "verifyToken", { token });
  // Another connection may have revoked it.
  expect(status === 200 || (status === 401 && revoked.has(token)), `verifyToken ${reason}`);
}

async function refresh(connection: Connection): Promise<void> {
  const current = pick(refreshTokens, { take: true });
  if (current === undefined || performance.now() - current.since > YOUNG_MS) return issue(connection, true);
  const { status, reason, data } = await call(connection, "refreshToken", { refreshToken: current.text });
  expect(status === 200 && data?.refreshToken !== undefined, `refreshToken ${reason}`);
  put(tokens, data?.token);
  put(refreshTokens, data?.refreshToken, current.since);
}

async function revoke(connection: Connection): Promise<void> {
  const token = pick(tokens, { take: true })?.text;
  if (token === undefined) return issue(connection, false);
  revoked.add(token);
  // Later than the response to any request that is in flight.
  setTimeout(() => revoked.delete(token), FRESH_MS).unref();
  const { status, reason } = await call(connection, "revokeToken", { token });
  expect(status === 200, `revokeToken ${reason}`);
}

function send(connection: Connection): Promise<void> {
  const dice = Math.random();
  if (dice < 0.7) return verify(connection);
  if (dice < 0.86) return issue(connection, dice < 0.74);
  return dice < 0.93 ? refresh(connection) : revoke(connection);
}

let latencies: number[] = [];
let since = performance.now();

function report(isLast: boolean): void {
  const perSecond = (latencies.length * 1000) / (performance.now() - since);
  const [p50, p99] = [quantile(latencies, 0.5), quantile(latencies, 0.99)];
  process.send?.({ perSecond, p50, p99, wrong, isLast } satisfies SoakReport);
  [latencies, since] = [[], performance.now()];
}

const [plan] = (await once(process, "message")) as [SoakPlan];
const timer = setInterval(() => report(false), REPORT_MS);
await runPaced(
  plan,
  async () => {
    const connection = await connectTo(plan.port);
    return { send: () => send(connection), end: connection.end };
  },
  (latency) => latencies.push(latency),
);
clearInterval(timer);
report(true);
process.disconnect();
