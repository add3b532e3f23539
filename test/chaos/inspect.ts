import { setTimeout as sleep } from "node:timers/promises";
import { attempt, isAnswer, isRefusal, type Outcome } from "./attempt.ts";
import { inspectCode } from "./code-operations.ts";
import { type Follower, reasonOf } from "./followers.ts";
import { inspectClient, inspectRemovals } from "./inspect-clients.ts";
import { inspectConsent, inspectSession } from "./inspect-people.ts";
import type { Grant, Token } from "./ledger.ts";
import { rotateKeys } from "./operations.ts";
import { ATTEMPTS, retry } from "./retry.ts";
import { clientOf, type Scenario } from "./scenario.ts";
import type { Thing } from "./timeline.ts";
import { present } from "./token-operations.ts";

/** Things of earlier rounds that are inspected again. */
const SAMPLE = { tokens: 300, followed: 200, grants: 30, clients: 20, sessions: 30, consents: 20 };
/** Calls at a time. The client puts 50 into one request. */
const AT_ONCE = { tokens: 100, others: 20 };
/** Milliseconds until a server has another's change while notifications are lost: it polls every second. */
const PROPAGATION = 3000;

export type InspectOptions = {
  followers: readonly Follower[];
  /** Resolves when all followers have recovered. */
  recovered: Promise<unknown>;
  since: number;
  everything: boolean;
};

type Choose = <Item extends Thing>(items: readonly Item[], count: number) => Item[];

/** Compares the service with the ledger while no operation runs, and settles what was in doubt. */
export async function inspect(
  scenario: Scenario,
  { followers, recovered, since, everything }: InspectOptions,
): Promise<void> {
  const { ledger, random } = scenario;
  const chosen: Choose = (items, count) => {
    const isFresh = ({ addedAt, life }: Thing) => everything || addedAt > since || life === "unsure";
    return [...items.filter(isFresh), ...random.sample(items.filter((item) => !isFresh(item)).slice(-5000), count)];
  };
  await inspectKeys(scenario);
  const tokens = chosen(ledger.tokens, SAMPLE.tokens);
  await forEach(tokens, AT_ONCE.tokens, (token) => inspectToken(scenario, token));
  await forEach(chosen(ledger.grants, SAMPLE.grants), AT_ONCE.others, (grant) => inspectGrant(scenario, grant));
  await forEach(chosen(ledger.clients, SAMPLE.clients), AT_ONCE.others, (client) => inspectClient(scenario, client));
  await inspectPeople(scenario, chosen);
  await inspectRemovals(scenario);
  ledger.timeline.resolve();
  await recovered;
  for (const follower of followers)
    for (const token of random.sample(tokens, SAMPLE.followed)) await inspectFollower(scenario, follower, token);
  await inspectRotation(scenario);
  await inspectAudit(scenario);
}

async function inspectPeople(scenario: Scenario, chosen: Choose): Promise<void> {
  const { sessions, consents } = scenario.ledger;
  const each = [chosen(sessions, SAMPLE.sessions), chosen(consents, SAMPLE.consents)] as const;
  const ended = scenario.ledger.codes.filter(({ life }) => life !== "live");
  await forEach(ended, AT_ONCE.others, (code) => inspectCode(scenario, code));
  await forEach(each[0], AT_ONCE.others, (session) => inspectSession(scenario, session));
  await forEach(each[1], AT_ONCE.others, (consent) => inspectConsent(scenario, consent));
}

async function forEach<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < items.length; at += atOnce) await Promise.all(items.slice(at, at + atOnce).map(work));
}

async function inspectToken(scenario: Scenario, token: Token): Promise<void> {
  const client = clientOf(scenario);
  const present = () =>
    retry(scenario, token.what, () =>
      attempt((signal) => client.verifyToken.mutate({ token: token.text }, { signal })),
    );
  let outcome = await present();
  for (const end = performance.now() + PROPAGATION; isLateFor(token, outcome) && performance.now() < end; ) {
    await sleep(100);
    outcome = await present();
  }
  if (isRefusal(outcome) && outcome.refused !== "token_revoked" && outcome.refused !== "invalid_token")
    scenario.ledger.breach(`${token.what} was refused as ${outcome.refused}`);
  if (outcome !== "lost")
    scenario.ledger.timeline.observe(token, isAnswer(outcome) ? "live" : "dead", performance.now());
}

/** Whether the revocation of a token by another server has not arrived yet. */
function isLateFor({ life }: Token, outcome: Outcome<unknown>): boolean {
  return isAnswer(outcome) && life === "dead";
}

async function inspectFollower(
  { ledger }: Scenario,
  { verifier }: Follower,
  { text, life, what }: Token,
): Promise<void> {
  let reason: string | undefined;
  for (let times = 0; times < ATTEMPTS; times += 1) {
    reason = await reasonOf(verifier, text);
    if ((reason === undefined) === (life === "live") && reason !== "verifier_stale") return;
    // It may notice the end of its connection late, or have keys of a wrong clock.
    await sleep(500);
  }
  if (reason === "verifier_stale") ledger.breach(`a follower stays stale: ${verifier.failure?.message}`);
  else ledger.breach(`a follower is wrong about ${what}: ${reason ?? "accepted"}`);
}

/** In a live grant, the used token returns the current one, and that its successor. */
async function inspectGrant(scenario: Scenario, grant: Grant): Promise<void> {
  const { ledger } = scenario;
  const { previous, current, life } = grant;
  if (previous !== undefined && life === "live")
    await retry(scenario, grant.what, () => present(scenario, grant, previous));
  const outcome = await retry(scenario, grant.what, () => present(scenario, grant, current));
  if (isAnswer(outcome)) [grant.previous, grant.current] = [current, outcome.answer];
  if (outcome !== "lost") ledger.timeline.observe(grant, isAnswer(outcome) ? "live" : "dead", performance.now());
}

async function keysOf(scenario: Scenario, origin: string) {
  const admin = clientOf({ ...scenario, origins: [origin] });
  const outcome = await retry(scenario, "list of keys", () =>
    attempt((signal) => admin.keys.list.query(undefined, { signal })),
  );
  return isAnswer(outcome) ? outcome.answer : [];
}

async function inspectKeys(scenario: Scenario): Promise<void> {
  const { ledger, origins } = scenario;
  for (const origin of origins) {
    const { living, signing } = await settledKeysOf(scenario, origin);
    for (const key of ledger.keys.values())
      ledger.timeline.observe(key, living.has(key.kid) ? "live" : "dead", performance.now());
    if (signing !== 1) ledger.breach(`${signing} keys sign`);
  }
}

/** The keys of a server, after time to receive the changes of others. */
async function settledKeysOf(scenario: Scenario, origin: string): Promise<{ living: Set<string>; signing: number }> {
  for (const end = performance.now() + PROPAGATION; ; await sleep(100)) {
    const keys = await keysOf(scenario, origin);
    const living = new Set(keys.filter(({ killedAt }) => killedAt === undefined).map(({ kid }) => kid));
    const isKnown = [...scenario.ledger.keys.values()].every(
      ({ kid, life }) => life === "unsure" || (life === "live") === living.has(kid),
    );
    const signing = keys.filter(({ state }) => state === "active").length;
    if ((isKnown && signing === 1) || performance.now() > end) return { living, signing };
  }
}

/** Keys can still be rotated, and every server has the new one. */
async function inspectRotation(scenario: Scenario): Promise<void> {
  const { ledger, origins } = scenario;
  const activeAt = async (origin: string) =>
    (await keysOf(scenario, origin)).find(({ state }) => state === "active")?.kid;
  const before = await activeAt(origins[0] ?? "");
  await retry(scenario, "rotate keys", async () => ((await rotateKeys(scenario, true)) ? { answer: true } : "lost"));
  for (const origin of origins) {
    const deadline = performance.now() + 3000;
    while ((await activeAt(origin)) === before) {
      if (performance.now() > deadline) return ledger.breach("keys do not rotate");
      await sleep(20);
    }
  }
}

/** Reads the audit log from its newest record until every operation has one. */
async function inspectAudit(scenario: Scenario): Promise<void> {
  const { audit, breach } = scenario.ledger;
  let before: string | undefined;
  while (audit.missing().length > 0) {
    const admin = clientOf(scenario);
    const query = { limit: 1000, ...(before !== undefined && { before }) };
    const outcome = await retry(scenario, "audit log", () =>
      attempt((signal) => admin.audit.list.query(query, { signal })),
    );
    if (!isAnswer(outcome)) return;
    for (const record of outcome.answer.records) audit.found(record);
    before = outcome.answer.next;
    if (before === undefined) break;
  }
  for (const action of audit.missing()) breach(`no record of ${action}`);
  audit.forget();
}
