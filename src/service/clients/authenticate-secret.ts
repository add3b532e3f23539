import { currentTurn } from "../../async/turn.ts";
import { createQueues } from "../../async/with-timeout.ts";
import { MintmarkError } from "../../errors.ts";
import { type AuthMethod, hasSecrets } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../time.ts";
import type { PresentedSecret } from "../../token/decode-basic.ts";
import type { Caller } from "../access/caller.ts";
import { createClientCache, pairOf } from "./client-cache.ts";
import { digestMatches, digestOf } from "./client-secret.ts";
import type { ClientUses } from "./client-uses.ts";
import { type FailedLogins, isDenial } from "./failed-logins.ts";
import { findPresentedClient } from "./find-presented-client.ts";

export type SecretOptions = {
  store: Pick<Store, "findClient">;
  clock: Clock;
  uses: Pick<ClientUses, "note">;
  attempt: FailedLogins["attempt"];
};

/** A call with a secret, and the address of its caller. */
export type AuthenticateSecret = (secret: PresentedSecret, address: string | undefined) => Promise<Caller>;

/** One reading of the credentials, and the digest of its secret. */
type Candidate = { clientId: string; pair: string; digest: Buffer; method: AuthMethod };

/**
 * The credentials of a call: one candidate, or two where the header can be read in two ways. A failure is counted once,
 * under the decoded id: a client has many spellings as written.
 */
type Presented = { clientId: string; address: string | undefined; pair: string; candidates: readonly Candidate[] };

/**
 * Creates the function that authenticates by a secret. An unknown client, another method and a wrong secret get the same
 * error at the same cost. Failures are limited by client and address: a guesser locks out neither a client that calls from
 * elsewhere, nor one that has authenticated from the same address before, whose secret is cached.
 */
export function createSecretAuthentication(options: SecretOptions): AuthenticateSecret {
  const { store, clock, uses, attempt } = options;
  const cache = createClientCache(options);
  const inOrder = createQueues();
  const pending = new Map<string, Promise<Caller>>();

  async function verify({ clientId, pair, digest, method }: Candidate): Promise<Caller> {
    const client = await findPresentedClient(store, clientId);
    const matches = digestMatches(digest, client?.secrets ?? [], clock());
    // An earlier release may have given a secret to a client that authenticates otherwise.
    if (client === undefined || !matches || client.authMethod !== method || !hasSecrets(method)) {
      cache.update(pair, client?.secrets);
      throw new MintmarkError("invalid_client");
    }
    cache.add(pair, client.secrets);
    uses.note(client);
    return { ...client, credential: digest.toString("base64url"), readIn: currentTurn() };
  }

  /** Verifies all candidates, also after a match: the duration must not reveal which one is right. */
  async function verifyAll({ candidates }: Presented): Promise<Caller> {
    const outcomes = await Promise.allSettled(candidates.map(verify));
    const failures: unknown[] = [];
    for (const outcome of outcomes) {
      if (outcome.status === "fulfilled") return outcome.value;
      failures.push(outcome.reason);
    }
    // A candidate that could not be verified is not known to be wrong.
    throw failures.find((failure) => !isDenial(failure, "invalid_client")) ?? failures[0];
  }

  // Not `find`: both candidates are compared, also after a match.
  const findCached = ({ candidates }: Presented) =>
    candidates.filter(({ pair, digest }) => cache.matches(pair, digest)).at(0);

  /** Counts a failure that was not counted before the verification. */
  async function countFailure(presented: Presented, error: unknown): Promise<never> {
    if (!isDenial(error, "invalid_client")) throw error;
    return attempt(presented, () => Promise.reject(error));
  }

  /** A cached secret is no guess. It is verified all the same: the client may have been removed meanwhile. */
  const verifyCached = (presented: Presented, candidate: Candidate) =>
    verify(candidate).catch((error: unknown) => countFailure(presented, error));

  async function authenticateInOrder(presented: Presented): Promise<Caller> {
    const candidate = findCached(presented);
    if (candidate !== undefined) return verifyCached(presented, candidate);
    try {
      return await attempt(presented, () => verifyAll(presented));
    } catch (error) {
      if (!isDenial(error, "too_many_attempts")) throw error;
      await Promise.all(presented.candidates.map(({ pair, clientId }) => cache.refresh(pair, clientId)));
      const candidate = findCached(presented);
      if (candidate === undefined) throw error;
      return verifyCached(presented, candidate);
    }
  }

  async function authenticate(presented: Presented): Promise<Caller> {
    const { pair, candidates } = presented;
    const candidate = findCached(presented);
    if (candidate !== undefined) return verifyCached(presented, candidate);
    const name = candidates
      .map(({ pair, digest, method }) => `${method} ${pair} ${digest.toString("base64url")}`)
      .join(" ");
    const first = pending.get(name);
    if (first === undefined) {
      const run = inOrder(pair, () => authenticateInOrder(presented)).finally(() => pending.delete(name));
      pending.set(name, run);
      return run;
    }
    // Concurrent first calls with one secret are one guess if it is right. If it is wrong, each counts as a failure.
    try {
      await first;
    } catch (error) {
      return countFailure(presented, error);
    }
    // The first call read the client before this one: it may have been removed in between.
    return verifyAll(presented).catch((error: unknown) => countFailure(presented, error));
  }

  return (secret, address) => authenticate(presentedOf(secret, address));
}

function presentedOf(secret: PresentedSecret, address: string | undefined): Presented {
  const { asWritten, method = "client_secret_basic", ...decoded } = secret;
  const candidates = [decoded, ...(asWritten === undefined ? [] : [asWritten])].map(({ clientId, clientSecret }) => ({
    clientId,
    pair: pairOf({ clientId, address }),
    digest: digestOf(clientSecret),
    method,
  }));
  return { clientId: decoded.clientId, address, pair: pairOf({ ...decoded, address }), candidates };
}
