import fc from "fast-check";
import { expect, it } from "vitest";
import { dueKey, JWKS_MAX_AGE, PUBLISH_AHEAD, statesAt } from "../../src/keys/lifecycle.ts";
import {
  type KeyRequest,
  type KeyTimes,
  type Succession,
  scheduleAfterRevocation,
  scheduleKey,
} from "../../src/keys/succession.ts";
import { NOW } from "../support/service.ts";

const DAY = 86400;
const YEAR = 366 * DAY;
/** Largest clock error of a server, and longest delay of a change, in seconds. */
const SKEW = 30;
const LAG = 1;

type Key = KeyTimes & { alg: string };

const step = fc.record({
  /** Operations in bursts, with short and long pauses. */
  wait: fc.oneof(
    fc.integer({ min: 0, max: 3 }),
    fc.integer({ min: 0, max: 90 }),
    fc.integer({ min: 0, max: 20 * DAY }),
  ),
  server: fc.nat({ max: 2 }),
  act: fc.constantFrom("rest", "restart", "rotate", "rotate now", "kill active", "kill retiring", "kill pending"),
  lifetime: fc.double({ min: 0, max: 1, noNaN: true }),
});

const year = fc.record({
  rotation: fc.integer({ min: 1320, max: 90 * DAY }),
  maxTtl: fc.integer({ min: 1, max: 30 * DAY }),
  skews: fc.array(fc.oneof(fc.constantFrom(-SKEW, SKEW), fc.integer({ min: -SKEW, max: SKEW })), {
    minLength: 1,
    maxLength: 3,
  }),
  steps: fc.array(step, { minLength: 1, maxLength: 80 }),
});
type Year = typeof year extends fc.Arbitrary<infer Value> ? Value : never;

/** The store: its keys, when each was added, and when the last change was, by the true time. */
function createModel() {
  const model = { keys: [] as Key[], changedAt: 0, publicSince: new Map<string, number>() };
  let made = 0;

  function apply(succession: Succession | undefined, moment: { now: number; at: number }): void {
    if (succession === undefined) return;
    model.changedAt = moment.at;
    if ("activateEarlier" in succession) {
      const { activateEarlier, activatesAt } = succession;
      model.keys = model.keys.map((key) => (activateEarlier.includes(key.kid) ? { ...key, activatesAt } : key));
      return;
    }
    made += 1;
    const { activatesAt } = succession.add;
    model.keys = [...model.keys, { kid: `key-${made}`, alg: "ES256", createdAt: moment.now, activatesAt }];
    model.publicSince.set(`key-${made}`, moment.at);
  }

  return Object.assign(model, {
    add: (wanted: KeyRequest, moment: { now: number; at: number }) => apply(scheduleKey(model.keys, wanted), moment),
    kill(kid: string, moment: { now: number; at: number }) {
      model.keys = model.keys.map((key) => (key.kid === kid ? { ...key, killedAt: moment.now } : key));
      model.changedAt = moment.at;
      apply(scheduleAfterRevocation(model.keys, moment.now), moment);
    },
  });
}

/** Simulates a year, second by second where something happens, and returns every breach. */
function live({ rotation, maxTtl, skews, steps }: Year): string[] {
  const policy = { rotation, maxTtl, alg: "ES256" };
  const store = createModel();
  const breaches = new Set<string>();
  /** When the last token of each key expires. */
  const tokens = new Map<string, number>();
  let at = NOW;
  const servers = skews.map((skew) => ({ now: () => at + skew, keys: [] as Key[], removed: new Set<string>() }));
  type Server = (typeof servers)[number];
  /** Keys generated on schedule, with their planned activation; a revocation can activate them earlier. */
  const planned = new Map<string, number>();

  const livesAt = (server: Server) => statesAt(server.keys, policy, server.now());
  const inState = (server: Server, ...wanted: string[]) =>
    livesAt(server)
      .filter(({ state }) => wanted.includes(state))
      .map(({ key }) => key);
  const signerOf = (server: Server) => inState(server, "active").at(0);
  const published = (server: Server) => new Set(inState(server, "pending", "active", "retiring").map(({ kid }) => kid));

  function reload(server: Server): void {
    server.keys = store.keys;
  }
  function plan(server: Server, wanted: KeyRequest): void {
    const known = store.keys.length;
    store.add(wanted, { now: server.now(), at });
    const [added] = store.keys.slice(known);
    if (added && known > 0) planned.set(added.kid, added.activatesAt);
    reload(server);
  }
  function maintenance(server: Server): void {
    reload(server);
    const due = dueKey(server.keys, policy, server.now());
    if (due) plan(server, due);
  }

  function act(server: Server, what: string): void {
    const signer = signerOf(server);
    if (what === "restart") maintenance(server);
    if (what === "rotate" && signer) plan(server, { follows: signer.kid, activatesAt: server.now() + PUBLISH_AHEAD });
    if (what === "rotate now" && signer)
      store.add({ follows: signer.kid, activatesAt: server.now() }, { now: server.now(), at });
    if (what.startsWith("kill")) {
      reload(server);
      const victim = what === "kill active" ? signerOf(server) : inState(server, what.slice("kill ".length)).at(0);
      if (victim) store.kill(victim.kid, { now: server.now(), at });
    }
    if (what !== "rest") reload(server);
  }

  /** A verifier that caches the set as long as allowed, and fetches it again only for an unknown key. */
  let cached = { at: Number.NEGATIVE_INFINITY, kids: new Set<string>() };
  function verify(kid: string, server: Server): void {
    const key = store.keys.find((key) => key.kid === kid);
    const isByPlan = key !== undefined && planned.get(kid) === key.activatesAt;
    const publicFor = at - (store.publicSince.get(kid) ?? at);
    if (isByPlan && publicFor < JWKS_MAX_AGE && key.activatesAt <= at - SKEW) breaches.add(`${kid} signs too early`);
    if (at >= cached.at + JWKS_MAX_AGE) cached = { at, kids: published(server) };
    if (cached.kids.has(kid)) return;
    if (isByPlan && tokens.size > 1 && publicFor >= JWKS_MAX_AGE + LAG)
      breaches.add(`a verifier with a set that it may keep does not know ${kid}`);
    cached = { at, kids: published(server) };
    if (!cached.kids.has(kid) && at - store.changedAt >= LAG) breaches.add(`looking again does not find ${kid}`);
  }

  function issue(server: Server, lifetime: number): void {
    const signer = signerOf(server);
    if (signer === undefined) return void breaches.add("OUTAGE: a server has no key to sign with");
    const isDead = store.keys.some(({ kid, killedAt }) => kid === signer.kid && killedAt !== undefined);
    if (isDead && at - store.changedAt >= LAG) breaches.add(`${signer.kid} was killed and signs`);
    if (isDead) return;
    const exp = server.now() + Math.max(1, Math.round(lifetime * maxTtl));
    tokens.set(signer.kid, Math.max(exp, tokens.get(signer.kid) ?? 0));
    for (const other of servers) verify(signer.kid, other);
  }

  function check(server: Server): void {
    const kids = published(server);
    if (kids.size === 0) breaches.add("the JWK Set is empty");
    if (inState(server, "active").length > 1) breaches.add("two keys sign");
    for (const { key, state } of livesAt(server)) {
      if (state === "removed") server.removed.add(key.kid);
      else if (server.removed.has(key.kid)) breaches.add(`${key.kid} was removed and is back`);
    }
    for (const { kid, killedAt } of server.keys) {
      if (killedAt !== undefined && kids.has(kid)) breaches.add(`${kid} was killed and is believed`);
      const isAwaited = killedAt === undefined && (tokens.get(kid) ?? 0) > server.now();
      if (isAwaited && !kids.has(kid)) breaches.add(`a token of ${kid} is refused`);
    }
  }

  function visit(lifetime: number): void {
    if (at - store.changedAt >= LAG) servers.forEach(reload);
    for (const server of servers) issue(server, lifetime);
    servers.forEach(check);
  }

  /** The next moment of a change by time: shortly before and after a key is due, is activated, or a token expires. */
  function nextMoment(until: number): number {
    const activations = store.keys.flatMap(({ activatesAt }) => [
      activatesAt - SKEW,
      activatesAt + SKEW,
      activatesAt + rotation - PUBLISH_AHEAD + SKEW,
    ]);
    const ends = [...tokens.values()].map((exp) => exp - SKEW - 1);
    return Math.min(...[until, ...activations, ...ends].filter((moment) => moment > at && moment <= until));
  }

  for (const server of servers) maintenance(server);
  servers.forEach(reload);
  for (const { wait, server: chosen, act: what, lifetime } of steps) {
    const until = Math.min(at + Math.min(wait, 4 * rotation), NOW + YEAR);
    while (at < until) {
      at = nextMoment(until);
      servers.forEach(maintenance);
      visit(lifetime);
    }
    const [server] = servers.slice(chosen % servers.length);
    if (server) act(server, what);
    visit(lifetime);
    if (breaches.size > 0) break;
  }
  return [...breaches];
}

it("a year of rotations, revocations, skewed clocks and caching verifiers refuses no valid token and accepts no revoked key", () => {
  fc.assert(
    fc.property(year, (lived) => {
      expect(live(lived)).toEqual([]);
    }),
    { numRuns: Number(process.env.MINTMARK_TEST_YEARS ?? 200), interruptAfterTimeLimit: 20_000 },
  );
}, 60_000);
