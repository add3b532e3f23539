import { createQueues } from "../../async/with-timeout.ts";
import { MintmarkError } from "../../errors.ts";
import { type Client, isPublic, keyCredentialOf } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import { type AssertionHeader, verifyClientAssertion } from "../../token/client-assertion.ts";
import type { PresentedCredentials, PresentedSecret } from "../../token/decode-basic.ts";
import type { Caller } from "../access/caller.ts";
import { countId } from "../throttle/call-limits.ts";
import { pairOf } from "./client-cache.ts";
import type { ClientDocuments } from "./client-documents.ts";
import type { FindClientKey } from "./client-keys.ts";
import type { ClientUses } from "./client-uses.ts";
import { type FailedLogins, isDenial } from "./failed-logins.ts";
import { findPresentedClient } from "./find-presented-client.ts";

type PresentedWithoutSecret = Exclude<PresentedCredentials, PresentedSecret>;

export type AssertionOptions = {
  store: Pick<Store, "findClient" | "addToCounts">;
  clock: Clock;
  uses: Pick<ClientUses, "note">;
  attempt: FailedLogins["attempt"];
  issuer: () => string;
  findKey: FindClientKey;
  documents: ClientDocuments;
};

/** How much longer than it is valid an assertion is remembered: the clocks of other servers may be behind. */
const CLOCK_SKEW: Seconds = 120;

/** Most pairs of client and address that have authenticated by a method; forgets the least recently used. */
const MAX_KNOWN = 10_000;

/**
 * Creates the function that authenticates a client by an assertion (RFC 7523), each of which is accepted once by all servers
 * together; and a public client by its id, which proves nothing. Throws `invalid_client`.
 *
 * An unknown client costs as much as a wrong signature, except that the JWK Set of a known client may have to be fetched.
 *
 * Failures are limited as for secrets: first calls of a client from an address run one at a time, and count as failures
 * until they succeed. After that its calls are verified at once, so that neither concurrent ones nor those of others at its
 * address lock it out: a signature cannot be guessed.
 */
export function createAssertionAuthentication(options: AssertionOptions) {
  const { store, clock, uses, attempt, issuer, findKey, documents } = options;

  type Proof = "proven" | "refused" | "unavailable";

  async function proofOf(client: Client | undefined, presented: PresentedWithoutSecret): Promise<Proof> {
    const { clientId, method } = presented;
    if (method === "none") return client !== undefined && isPublic(client) ? "proven" : "refused";
    const owner = client?.authMethod === method ? client : undefined;
    const keys = (header: AssertionHeader) => findKey(owner, header);
    const verified = await verifyClientAssertion(presented.assertion, {
      keys,
      issuer: issuer(),
      clientId,
      now: clock(),
    });
    if (verified.outcome === "refused") return verified.reason === "keys_unavailable" ? "unavailable" : "refused";
    const until = verified.exp + CLOCK_SKEW;
    const id = countId("client assertion", `${clientId} ${verified.jti}`, 0);
    const [count] = await store.addToCounts([{ id, amount: 1, until }]);
    return owner !== undefined && count === 1 ? "proven" : "refused";
  }

  /** Resolves with `undefined` where the keys of the client could not be fetched: that is no failure to count. */
  async function verify(presented: PresentedWithoutSecret, address: string | undefined): Promise<Caller | undefined> {
    const { clientId, method } = presented;
    const client =
      method === "none" ? await documents.find(clientId, { address }) : await findPresentedClient(store, clientId);
    const proof = await proofOf(client, presented);
    if (proof === "unavailable") return undefined;
    if (proof === "refused" || client === undefined) throw new MintmarkError("invalid_client");
    uses.note(client);
    return { ...client, credential: keyCredentialOf(client) ?? "" };
  }

  const inOrder = createQueues();
  // Apart: the id of a public client proves nothing, so anybody can add many.
  const knownBy = { private_key_jwt: createRecent(MAX_KNOWN), none: createRecent(MAX_KNOWN) };

  async function authenticate(
    presented: PresentedWithoutSecret,
    address: string | undefined,
  ): Promise<Caller | undefined> {
    const attempted = { clientId: presented.clientId, address };
    const pair = pairOf(attempted);
    const known = knownBy[presented.method];
    const verifyKnown = () =>
      verify(presented, address).catch((error: unknown) => {
        if (!isDenial(error, "invalid_client")) throw error;
        return attempt(attempted, () => Promise.reject(error));
      });
    const verifyFirst = async () => {
      const caller = await attempt(attempted, () => verify(presented, address));
      if (caller !== undefined) known.add(pair);
      return caller;
    };
    if (known.has(pair)) return verifyKnown();
    return inOrder(pair, () => (known.has(pair) ? verifyKnown() : verifyFirst()));
  }

  return async (presented: PresentedWithoutSecret, address: string | undefined): Promise<Caller> => {
    const caller = await authenticate(presented, address);
    if (caller === undefined) throw new MintmarkError("invalid_client");
    return caller;
  };
}

/** A set of the names that were used last. */
function createRecent(size: number): Pick<Set<string>, "has"> & { add(name: string): void } {
  const names = new Set<string>();
  return {
    has(name) {
      const isKnown = names.delete(name);
      if (isKnown) names.add(name);
      return isKnown;
    },
    add(name) {
      const [oldest] = names;
      if (names.size >= size && oldest !== undefined) names.delete(oldest);
      names.add(name);
    },
  };
}
