import fc from "fast-check";
import { expect, it } from "vitest";
import { dueKey, JWKS_MAX_AGE, type KeyTimes, livesOf, PUBLISH_AHEAD } from "../../src/keys/lifecycle.ts";
import { NOW } from "../support/service.ts";

const DAY = 86400;
const YEAR = 366 * DAY;
const SKEW = 30;
/** How long a server may take to learn of another's change, in seconds. */
const LAG = 1;

type Key = KeyTimes & { alg: string; follows: string };
type Token = { kid: string; iat: number; exp: number };

const step = fc.record({
  wait: fc.double({ min: 0, max: 1, noNaN: true }),
  server: fc.nat(),
  act: fc.constantFrom(
    "upkeep",
    "upkeep",
    "upkeep",
    "rotate",
    "rotate now",
    "kill signing",
    "kill retiring",
    "kill pending",
  ),
  lifetime: fc.double({ min: 0, max: 1, noNaN: true }),
});

const year = fc.record({
  rotation: fc.integer({ min: 1320, max: 90 * DAY }),
  maxTtl: fc.integer({ min: 1, max: 30 * DAY }),
  skews: fc.array(fc.integer({ min: -SKEW, max: SKEW }), { minLength: 1, maxLength: 3 }),
  steps: fc.array(step, { minLength: 20, maxLength: 120 }),
});
type Year = typeof year extends fc.Arbitrary<infer Value> ? Value : never;

/** The store as its contract describes it: a key has one follower, and whoever comes second is told so. */
function createModel() {
  const keys: Key[] = [];
  const add = (key: Key) => {
    const followed = keys.find(({ kid }) => kid === key.follows);
    const hasSigned = followed !== undefined && followed.activatesAt < (followed.killedAt ?? Number.POSITIVE_INFINITY);
    const activatesAt = Math.max(key.activatesAt, hasSigned ? followed.activatesAt : 0);
    const follower = keys.find(({ follows }) => follows === key.follows);
    if (follower === undefined) keys.push({ ...key, activatesAt });
    else if (follower.activatesAt > activatesAt) follower.activatesAt = activatesAt;
  };
  const kill = (kid: string, now: number, replacement?: Key) => {
    const key = keys.find((key) => key.kid === kid && key.killedAt === undefined);
    if (key === undefined) return;
    if (key.activatesAt > now) key.follows = `killed ${kid}`;
    key.killedAt = now;
    if (replacement) add(replacement);
  };
  return { keys, add, kill };
}

/** Lives through a year, and gives every breach of what is promised. */
function live({ rotation, maxTtl, skews, steps }: Year): string[] {
  const policy = { rotation, maxTtl, alg: "ES256" };
  const { keys, add, kill } = createModel();
  const breaches: string[] = [];
  const tokens: Token[] = [];
  let made = 0;
  let cached = { at: Number.NEGATIVE_INFINITY, kids: new Set<string>() };

  const make = (follows: string, activatesAt: number, now: number): Key => {
    made += 1;
    return { kid: `key-${made}`, alg: "ES256", follows, activatesAt, createdAt: now };
  };
  /** Keys that are made by plan, and when they were to sign; an emergency may have let them sign earlier. */
  const planned = new Map<string, number>();
  const plan = (follows: string, activatesAt: number, now: number) => {
    const key = make(follows, activatesAt, now);
    planned.set(key.kid, activatesAt);
    add(key);
  };
  const inState = (now: number, ...wanted: string[]) =>
    livesOf(keys, policy, now)
      .filter(({ state }) => wanted.includes(state))
      .map(({ key }) => key);
  /** As a server chooses: one whose clock is behind may find even the first key pending. */
  const signersAt = (now: number) => [...inState(now, "active"), ...inState(now, "pending")];
  const published = (now: number) => new Set(inState(now, "pending", "active", "retiring").map(({ kid }) => kid));
  const upkeep = (now: number) => {
    const due = dueKey(keys, policy, now);
    if (due) plan(due.follows, due.activatesAt, now);
  };

  function check(now: number): void {
    const kids = published(now);
    if (kids.size === 0) breaches.push(`${now}: the JWK Set is empty`);
    if (inState(now, "active").length > 1) breaches.push(`${now}: two keys sign`);
    for (const { kid, exp } of tokens) {
      const isKilled = keys.some((key) => key.kid === kid && key.killedAt !== undefined);
      if (isKilled && kids.has(kid)) breaches.push(`${now}: ${kid} was killed and is believed`);
      if (!isKilled && exp > now && !kids.has(kid)) breaches.push(`${now}: a token of ${kid} is refused`);
    }
  }

  /** A verifier that keeps the set for as long as it may, and looks again only for a key it does not know. */
  function verify({ kid }: Token, now: number): void {
    if (now >= cached.at + JWKS_MAX_AGE) cached = { at: now, kids: published(now) };
    if (cached.kids.has(kid)) return;
    const key = keys.find((key) => key.kid === kid);
    const isByPlan = key !== undefined && tokens.length > 1 && planned.get(kid) === key.activatesAt;
    if (isByPlan) breaches.push(`${now}: a verifier with a set that it may keep does not know ${kid}`);
    cached = { at: now, kids: published(now) };
    if (!cached.kids.has(kid)) breaches.push(`${now}: a verifier that looks again does not find ${kid}`);
  }

  let now = NOW;
  upkeep(now);
  for (const { wait, server, act, lifetime } of steps) {
    const until = Math.min(now + 1 + Math.round(wait * Math.min(20 * DAY, 4 * rotation)), NOW + YEAR);
    // Upkeep comes every minute; what matters is that it comes several times while a key signs.
    for (; now < until; now = Math.min(until, now + rotation / 4)) upkeep(Math.floor(now));
    now = until;
    const skew = skews[server % skews.length] ?? 0;
    const seen = now + skew;
    const [signing] = signersAt(seen);
    if (signing === undefined) return [...breaches, `${now}: a server has no key to sign with`];
    if (act === "rotate") plan(signing.kid, seen + PUBLISH_AHEAD, seen);
    if (act === "rotate now") add(make(signing.kid, seen, seen));
    const victims: Record<string, Key | undefined> = {
      "kill signing": signing,
      "kill retiring": inState(seen, "retiring").at(0),
      "kill pending": inState(seen, "pending").at(0),
    };
    const victim = victims[act];
    if (victim) kill(victim.kid, seen, victim === signing ? make(signing.kid, seen, seen) : undefined);
    now += SKEW + LAG;
    const [signer] = signersAt(now + skew);
    if (signer === undefined) return [...breaches, `${now}: a server has no key to sign with`];
    const token = { kid: signer.kid, iat: now + skew, exp: now + skew + Math.max(1, Math.round(lifetime * maxTtl)) };
    tokens.push(token);
    verify(token, now);
    check(now);
  }
  const followers = keys.map(({ follows }) => follows);
  if (new Set(followers).size !== followers.length) breaches.push("a key has two followers");
  return breaches;
}

it("a year of rotations, emergencies, skewed clocks and caching verifiers refuses no valid token and believes no killed key", () => {
  fc.assert(
    fc.property(year, (lived) => {
      expect(live(lived)).toEqual([]);
    }),
    { numRuns: 2000, interruptAfterTimeLimit: 20_000 },
  );
}, 60_000);
