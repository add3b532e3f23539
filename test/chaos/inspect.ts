import { setTimeout as sleep } from "node:timers/promises";
import { rotateKeys } from "./acts.ts";
import { rotateSecret } from "./acts-on-clients.ts";
import { present } from "./acts-on-tokens.ts";
import { attempt, isAnswer, isRefusal, type Outcome } from "./attempt.ts";
import { type Follower, reasonOf } from "./followers.ts";
import type { Client, Session, Token } from "./ledger.ts";
import { clientOf, type Scenario } from "./scenario.ts";
import type { Thing } from "./timeline.ts";

/** How many of those that were looked at before are looked at again. */
const SAMPLE = { tokens: 300, followed: 200, sessions: 30, clients: 20 };
/** How many are asked about at once. The client puts 50 into one request. */
const AT_ONCE = { tokens: 100, others: 20 };
/** Milliseconds in which a server learns what another has changed while announcements are lost: it looks every second. */
const LEARNS = 3000;
/** Times that something is asked again while there is no answer: everything has healed by now. */
const ATTEMPTS = 20;

export type InspectOptions = {
  followers: readonly Follower[];
  /** Resolves when all followers are whole. */
  whole: Promise<unknown>;
  since: number;
  everything: boolean;
};

/** Compares the service with the ledger, while nothing else is going on; makes certain what was in doubt. */
export async function inspect(
  scenario: Scenario,
  { followers, whole, since, everything }: InspectOptions,
): Promise<void> {
  const { ledger, random } = scenario;
  const chosen = <Item extends Thing>(items: readonly Item[], count: number): Item[] => {
    const isFresh = ({ addedAt, life }: Item) => everything || addedAt > since || life === "unsure";
    return [...items.filter(isFresh), ...random.sample(items.filter((item) => !isFresh(item)).slice(-5000), count)];
  };
  await inspectKeys(scenario);
  const tokens = chosen(ledger.tokens, SAMPLE.tokens);
  await forEach(tokens, AT_ONCE.tokens, (token) => inspectToken(scenario, token));
  await forEach(chosen(ledger.sessions, SAMPLE.sessions), AT_ONCE.others, (session) =>
    inspectSession(scenario, session),
  );
  await forEach(chosen(ledger.clients, SAMPLE.clients), AT_ONCE.others, (client) => inspectClient(scenario, client));
  await inspectRemovals(scenario);
  ledger.timeline.settle();
  await whole;
  for (const follower of followers)
    for (const token of random.sample(tokens, SAMPLE.followed)) await inspectFollower(scenario, follower, token);
  await inspectRotation(scenario);
  await inspectAudit(scenario);
}

async function forEach<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < items.length; at += atOnce) await Promise.all(items.slice(at, at + atOnce).map(work));
}

/** Asks until there is an answer or a refusal. */
async function ask<Answer>(
  scenario: Scenario,
  what: string,
  send: () => Promise<Outcome<Answer>>,
): Promise<Outcome<Answer>> {
  for (let times = 0; times < ATTEMPTS; times += 1) {
    const outcome = await send();
    if (outcome !== "lost") return outcome;
    await sleep(100);
  }
  scenario.ledger.breach(`no answer: ${what}`);
  return "lost";
}

async function inspectToken(scenario: Scenario, token: Token): Promise<void> {
  const client = clientOf(scenario);
  const look = () =>
    ask(scenario, token.what, () => attempt((signal) => client.verifyToken.mutate({ token: token.text }, { signal })));
  let outcome = await look();
  for (const end = performance.now() + LEARNS; isLateFor(token, outcome) && performance.now() < end; ) {
    await sleep(100);
    outcome = await look();
  }
  if (isRefusal(outcome) && outcome.refused !== "token_revoked" && outcome.refused !== "invalid_token")
    scenario.ledger.breach(`${token.what} was refused as ${outcome.refused}`);
  if (outcome !== "lost")
    scenario.ledger.timeline.observe(token, isAnswer(outcome) ? "live" : "dead", performance.now());
}

/** Whether a server has not heard yet that a token was revoked by another one. */
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
    // It may be slow to learn of the end of its connection, or have been told of keys by a clock that was wrong.
    await sleep(500);
  }
  if (reason === "verifier_stale") ledger.breach(`a follower stays stale: ${verifier.failure?.message}`);
  else ledger.breach(`a follower is wrong about ${what}: ${reason ?? "accepted"}`);
}

/** Of a session that lives, the used token gives the current one, and that the next. */
async function inspectSession(scenario: Scenario, session: Session): Promise<void> {
  const { ledger } = scenario;
  const { previous, current, life } = session;
  if (previous !== undefined && life === "live")
    await ask(scenario, session.what, () => present(scenario, session, previous));
  const outcome = await ask(scenario, session.what, () => present(scenario, session, current));
  if (isAnswer(outcome)) [session.previous, session.current] = [current, outcome.answer];
  if (outcome !== "lost") ledger.timeline.observe(session, isAnswer(outcome) ? "live" : "dead", performance.now());
}

/** Of a client that lives, the secret that was handed out last is good. */
async function inspectClient(scenario: Scenario, client: Client): Promise<void> {
  if (client.life !== "live") return;
  if (client.isLockedOut) await rotateSecret(scenario, client);
  const { clientId, secret: clientSecret } = client;
  const connected = clientOf(scenario, { clientId, clientSecret });
  const outcome = await ask(scenario, client.what, () => attempt((signal) => connected.getToken.query({}, { signal })));
  if (isRefusal(outcome) && outcome.refused === "invalid_client")
    scenario.ledger.timeline.observe(client, "dead", performance.now());
}

/** A client that was removed is in no list. To try its secret would count as guessing. */
async function inspectRemovals(scenario: Scenario): Promise<void> {
  const { ledger } = scenario;
  const admin = clientOf(scenario);
  const outcome = await ask(scenario, "list of clients", () =>
    attempt((signal) => admin.clients.list.query(undefined, { signal })),
  );
  if (!isAnswer(outcome)) return;
  const there = new Set(outcome.answer.map(({ clientId }) => clientId));
  for (const client of ledger.clients)
    ledger.timeline.observe(client, there.has(client.clientId) ? "live" : "dead", performance.now());
}

async function keysOf(scenario: Scenario, origin: string) {
  const admin = clientOf({ ...scenario, origins: [origin] });
  const outcome = await ask(scenario, "list of keys", () =>
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

/** The keys of a server, once it has had the time to learn of what others did to them. */
async function settledKeysOf(scenario: Scenario, origin: string): Promise<{ living: Set<string>; signing: number }> {
  for (const end = performance.now() + LEARNS; ; await sleep(100)) {
    const keys = await keysOf(scenario, origin);
    const living = new Set(keys.filter(({ killedAt }) => killedAt === undefined).map(({ kid }) => kid));
    const isKnown = [...scenario.ledger.keys.values()].every(
      ({ kid, life }) => life === "unsure" || (life === "live") === living.has(kid),
    );
    const signing = keys.filter(({ state }) => state === "active").length;
    if ((isKnown && signing === 1) || performance.now() > end) return { living, signing };
  }
}

/** Keys can still be rotated, and every server knows of it. */
async function inspectRotation(scenario: Scenario): Promise<void> {
  const { ledger, origins } = scenario;
  const activeAt = async (origin: string) =>
    (await keysOf(scenario, origin)).find(({ state }) => state === "active")?.kid;
  const before = await activeAt(origins[0] ?? "");
  await ask(scenario, "rotate keys", async () => ((await rotateKeys(scenario, true)) ? { answer: true } : "lost"));
  for (const origin of origins) {
    const deadline = performance.now() + 3000;
    while ((await activeAt(origin)) === before) {
      if (performance.now() > deadline) return ledger.breach("keys do not rotate");
      await sleep(20);
    }
  }
}

/** Reads the audit log from its newest record on until there is one of each act. */
async function inspectAudit(scenario: Scenario): Promise<void> {
  const { audit, breach } = scenario.ledger;
  let before: string | undefined;
  while (audit.missing().length > 0) {
    const admin = clientOf(scenario);
    const query = { limit: 1000, ...(before !== undefined && { before }) };
    const outcome = await ask(scenario, "audit log", () =>
      attempt((signal) => admin.audit.list.query(query, { signal })),
    );
    if (!isAnswer(outcome)) return;
    for (const record of outcome.answer.records) audit.found(record);
    before = outcome.answer.next;
    if (before === undefined) break;
  }
  for (const act of audit.missing()) breach(`no record of ${act}`);
  audit.forget();
}
