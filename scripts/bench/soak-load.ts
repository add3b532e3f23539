/**
 * Loads a server with a mixture of requests over connections that are kept: tokens and sessions come from its answers.
 * Started by the soak run, on a processor of its own, and tells it every few seconds what came of it.
 */
import { type Connection, connectTo } from "./soak-connection.ts";

export type SoakPlan = { port: number; connections: number; seconds: number; rate?: number };

/** What came of some seconds: answers a second, milliseconds, and how often answers should have been others. */
export type SoakReport = { perSecond: number; p50: number; p99: number; wrong: Wrong; isLast: boolean };

/** By procedure, and by what it answered. */
export type Wrong = Record<string, number>;

const TELL = 5000;
/** Milliseconds after which a token is let go of, access token or refresh token: they live for a minute and two. */
const FRESH = 25_000;
/** Milliseconds after which a session is not refreshed: however often it was, it ends after two minutes. */
const YOUNG = 110_000;
const MAX_POOL = 3000;

/** A token, when it came, and when its session began, where it is of one. */
type Pooled = { text: string; at: number; since: number };

const tokens: Pooled[] = [];
const sessions: Pooled[] = [];
const revoked = new Set<string>();
let latencies: number[] = [];
const wrong: Wrong = {};

function put(pool: Pooled[], text: string, since = performance.now()): void {
  pool.push({ text, at: performance.now(), since });
  if (pool.length > MAX_POOL) pool.shift();
}

/** Takes one out of a pool, by chance; none where there are only old ones. */
function take(pool: Pooled[]): Pooled | undefined {
  while (pool.length > 0 && performance.now() - (pool[0]?.at ?? 0) > FRESH) pool.shift();
  return pool.splice(Math.floor(Math.random() * pool.length), 1)[0];
}

function expect(isRight: boolean, answer: string): void {
  if (!isRight) wrong[answer] = (wrong[answer] ?? 0) + 1;
}

async function issue(connection: Connection, refreshable: boolean): Promise<void> {
  const { status, reason, data } = await connection.call("getToken", { subject: "ada", refreshable });
  expect(status === 200, `getToken ${reason}`);
  if (data?.token !== undefined) put(tokens, data.token);
  if (data?.refreshToken !== undefined) put(sessions, data.refreshToken);
}

async function verify(connection: Connection): Promise<void> {
  while (tokens.length > 0 && performance.now() - (tokens[0]?.at ?? 0) > FRESH) tokens.shift();
  const token = tokens[Math.floor(Math.random() * tokens.length)]?.text;
  if (token === undefined) return issue(connection, false);
  const { status, reason } = await connection.call("verifyToken", { token });
  // It may have been revoked by another connection meanwhile.
  expect(status === 200 || (status === 401 && revoked.has(token)), `verifyToken ${reason}`);
}

async function refresh(connection: Connection): Promise<void> {
  const session = take(sessions);
  if (session === undefined || performance.now() - session.since > YOUNG) return issue(connection, true);
  const { status, reason, data } = await connection.call("refreshToken", { refreshToken: session.text });
  expect(status === 200 && data?.refreshToken !== undefined, `refreshToken ${reason}`);
  if (data?.token !== undefined) put(tokens, data.token);
  if (data?.refreshToken !== undefined) put(sessions, data.refreshToken, session.since);
}

async function revoke(connection: Connection): Promise<void> {
  const token = take(tokens)?.text;
  if (token === undefined) return issue(connection, false);
  revoked.add(token);
  // Long enough for whoever asked about it before.
  setTimeout(() => revoked.delete(token), FRESH).unref();
  const { status, reason } = await connection.call("revokeToken", { token });
  expect(status === 200, `revokeToken ${reason}`);
}

function act(connection: Connection): Promise<void> {
  const dice = Math.random();
  if (dice < 0.7) return verify(connection);
  if (dice < 0.86) return issue(connection, dice < 0.74);
  return dice < 0.93 ? refresh(connection) : revoke(connection);
}

async function run({ port, connections, seconds, rate }: SoakPlan, at: number): Promise<void> {
  const connection = await connectTo(port);
  const end = performance.now() + seconds * 1000;
  const interval = rate === undefined ? 0 : (connections * 1000) / rate;
  let due = performance.now() + (interval * at) / connections;
  while (performance.now() < end) {
    const wait = due - performance.now();
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
    // An answer that is late makes the next one late: it counts from when it was due.
    const began = interval === 0 ? performance.now() : due;
    due += interval;
    await act(connection);
    latencies.push(performance.now() - began);
  }
  connection.end();
}

function tell(since: number, isLast: boolean): void {
  const sorted = Float64Array.from(latencies).sort();
  const quantile = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
  const perSecond = (sorted.length * 1000) / (performance.now() - since);
  const report: SoakReport = { perSecond, p50: quantile(0.5), p99: quantile(0.99), wrong, isLast };
  process.send?.(report);
  latencies = [];
}

process.once("message", async (plan: SoakPlan) => {
  let since = performance.now();
  const timer = setInterval(() => {
    tell(since, false);
    since = performance.now();
  }, TELL);
  await Promise.all(Array.from({ length: plan.connections }, (_, at) => run(plan, at)));
  clearInterval(timer);
  tell(since, true);
  process.disconnect();
});
