import { setTimeout as sleep } from "node:timers/promises";
import { createVerifier, type Verifier } from "../../src/verifier/verifier.ts";
import type { Random } from "../support/random.ts";
import { attempt, isAnswer, type Outcome } from "./attempt.ts";
import { isOfNow, type Ledger, type Token } from "./ledger.ts";
import type { Member } from "./member.ts";
import { clientOf, type TokenClient } from "./scenario.ts";

/** Seconds: the bounds of these verifiers and of the server. A verifier notices silence after 6. */
const MAX_STALENESS = 12;
const SERVER_STALENESS = 30;

/** Seconds: the highest limit of any server. */
const MAX_LIFETIME = 7 * 86_400;

const PER_MEMBER = 4;
/** Milliseconds to recover. */
const RECOVERY = 60_000;

export type Follower = { verifier: Verifier; member: Member };
export type Followers = ReturnType<typeof startFollowers>;

type FollowersOptions = { members: readonly Member[]; issuer: string; ledger: Ledger; random: Random };

/** Verifiers that follow the servers over a bad network, and continuously verify revoked tokens. */
export function startFollowers({ members, issuer, ledger, random }: FollowersOptions) {
  const followers = members.flatMap((member) =>
    Array.from({ length: PER_MEMBER }, (): Follower => {
      const url = member.network.url;
      return {
        member,
        verifier: createVerifier({
          issuer,
          audience: issuer,
          url,
          maxStaleness: MAX_STALENESS,
          maxLifetime: MAX_LIFETIME,
        }),
      };
    }),
  );
  const origins = members.map(({ origin }) => origin);
  let done = false;
  /** The longest time after its revocation, in milliseconds, at which a token was accepted. */
  const oldest = { follower: 0, server: 0 };

  /** Presents the tokens that were revoked last, and records the age of an accepted one. */
  async function present(who: keyof typeof oldest, accepts: (token: string) => Promise<boolean>): Promise<void> {
    const bound = 1000 * (who === "follower" ? MAX_STALENESS : SERVER_STALENESS);
    for (const { text, diedAt = 0, what } of random.sample(lastRevoked(ledger), 8)) {
      const age = performance.now() - diedAt;
      if (!(await accepts(text))) continue;
      oldest[who] = Math.max(oldest[who], age);
      if (age > bound) ledger.breach(`a ${who} accepted ${what}, revoked ${Math.round(age)} ms earlier`);
    }
  }

  async function watchFollowers(): Promise<void> {
    while (!done) {
      for (const { verifier } of followers)
        await present("follower", async (token) => (await reasonOf(verifier, token)) === undefined);
      await sleep(50);
    }
  }

  async function watchServers(): Promise<void> {
    while (!done) {
      const client = clientOf({ random, origins });
      await present("server", async (token) =>
        isAnswer(await attempt((signal) => client.verifyToken.mutate({ token }, { signal }))),
      );
      await sleep(50);
    }
  }

  const watches = Promise.all([watchFollowers(), watchServers()]);

  return {
    all: followers,
    oldest,
    /** Resolves when the followers of a server, or all, refuse a token revoked just now; returns the milliseconds. */
    async recovered(member?: Member): Promise<number> {
      const start = performance.now();
      const make = () => makeRevokedToken(ledger, () => clientOf({ random, origins }));
      let token = await make();
      const concerned = followers.filter((follower) => member === undefined || follower.member === member);
      for (const { verifier } of concerned) {
        for (let reason = await reasonOf(verifier, token); reason !== "token_revoked"; ) {
          if (performance.now() - start > RECOVERY) {
            ledger.breach(`a follower has not recovered after ${RECOVERY} ms: ${reason}, ${verifier.failure?.message}`);
            return RECOVERY;
          }
          await sleep(20);
          // Its key may have been revoked.
          if (reason === "invalid_token") token = await sleep(200).then(make);
          reason = await reasonOf(verifier, token);
        }
      }
      return performance.now() - start;
    },
    async stop(): Promise<void> {
      done = true;
      await watches;
      for (const { verifier } of followers) verifier.close();
    },
  };
}

function lastRevoked({ tokens }: Ledger): Token[] {
  return tokens.slice(-1000).filter(({ life }) => life === "dead");
}

async function makeRevokedToken(ledger: Ledger, client: () => TokenClient): Promise<string> {
  const { token } = await retry((signal) => client().getToken.query({ expiresIn: 86_400 }, { signal }));
  if (!isOfNow(token)) return makeRevokedToken(ledger, client);
  await retry((signal) => client().revokeToken.mutate({ token }, { signal }));
  // It is acknowledged as any other operation, and has no entry.
  ledger.count("revoke to measure propagation");
  return token;
}

/** Retries until there is an answer. */
async function retry<Answer>(send: (signal: AbortSignal) => Promise<Answer>): Promise<Answer> {
  for (;;) {
    const outcome: Outcome<Answer> = await attempt(send);
    if (isAnswer(outcome)) return outcome.answer;
    await sleep(50);
  }
}

/** The reason of a refusal, or `undefined` for an accepted token. */
export function reasonOf(verifier: Verifier, token: string): Promise<string | undefined> {
  return verifier.verify(token).then(
    () => undefined,
    (error: { reason?: string }) => error.reason ?? "unknown",
  );
}
