import { createQueues } from "../../async/with-timeout.ts";
import { MintmarkError } from "../../errors.ts";
import { type Client, isPublic, keyCredentialOf } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import { identifier } from "../../token/claims.ts";
import { type AssertionHeader, verifyClientAssertion } from "../../token/client-assertion.ts";
import type { PresentedCredentials, PresentedSecret } from "../../token/decode-basic.ts";
import type { Caller } from "../access/caller.ts";
import { countId } from "../throttle/call-limits.ts";
import { pairOf } from "./client-cache.ts";
import type { FindClientKey } from "./client-keys.ts";
import type { ClientUses } from "./client-uses.ts";
import { type FailedLogins, isDenial } from "./failed-logins.ts";

type PresentedWithoutSecret = Exclude<PresentedCredentials, PresentedSecret>;

export type AssertionOptions = {
  store: Pick<Store, "findClient" | "addToCounts">;
  clock: Clock;
  uses: Pick<ClientUses, "note">;
  attempt: FailedLogins["attempt"];
  issuer: () => string;
  findKey: FindClientKey;
};

/** How much longer than it is valid an assertion is remembered: the clocks of other servers may be behind. */
const CLOCK_SKEW: Seconds = 120;

/** Most pairs of client and address that have authenticated; forgets the least recent. */
const MAX_KNOWN = 10_000;

/**
 * Creates the function that authenticates a client by an assertion (RFC 7523), each of which is accepted once by all servers
 * together; and a public client by its id, which proves nothing. Throws `invalid_client`, with the reason as its cause.
 *
 * An unknown client costs as much as a wrong signature, except that the JWK Set of a known client may have to be fetched.
 *
 * Failures are limited as for secrets: first calls of a client from an address run one at a time, and count as failures
 * until they succeed. After that its calls are verified at once, so that neither concurrent ones nor those of others at its
 * address lock it out: a signature cannot be guessed.
 */
export function createAssertionAuthentication(options: AssertionOptions) {
  const { store, clock, uses, attempt, issuer, findKey } = options;

  async function isProven(client: Client | undefined, presented: PresentedWithoutSecret): Promise<boolean> {
    const { clientId, method } = presented;
    if (method === "none") return client !== undefined && isPublic(client);
    const owner = client?.authMethod === method ? client : undefined;
    const keys = (header: AssertionHeader) => findKey(owner, header);
    const verified = await verifyClientAssertion(presented.assertion, {
      keys,
      issuer: issuer(),
      clientId,
      now: clock(),
    });
    if (verified.outcome === "refused")
      throw new MintmarkError("invalid_client", { cause: new Error(verified.reason) });
    const until = verified.exp + CLOCK_SKEW;
    const id = countId("client assertion", `${clientId} ${verified.jti}`, 0);
    const [count] = await store.addToCounts([{ id, amount: 1, until }]);
    return owner !== undefined && count === 1;
  }

  async function verify(presented: PresentedWithoutSecret): Promise<Caller> {
    // Not every database accepts any text: an impossible id is not queried.
    const isPossible = identifier.safeParse(presented.clientId).success;
    const client = isPossible ? await store.findClient(presented.clientId) : undefined;
    if (!(await isProven(client, presented)) || client === undefined) throw new MintmarkError("invalid_client");
    uses.note(client);
    return { ...client, credential: keyCredentialOf(client) ?? "" };
  }

  const inOrder = createQueues();
  const known = createRecent(MAX_KNOWN);

  return async (presented: PresentedWithoutSecret, address: string | undefined): Promise<Caller> => {
    const attempted = { clientId: presented.clientId, address };
    const pair = pairOf(attempted);
    const verifyKnown = () =>
      verify(presented).catch((error: unknown) => {
        if (!isDenial(error, "invalid_client")) throw error;
        return attempt(attempted, () => Promise.reject(error));
      });
    const verifyFirst = async () => {
      const caller = await attempt(attempted, () => verify(presented));
      known.add(pair);
      return caller;
    };
    if (known.has(pair)) return verifyKnown();
    return inOrder(pair, () => (known.has(pair) ? verifyKnown() : verifyFirst()));
  };
}

/** A set of the names that were added last. */
function createRecent(size: number): Pick<Set<string>, "has"> & { add(name: string): void } {
  const names = new Set<string>();
  return {
    has: (name) => names.has(name),
    add(name) {
      const [oldest] = names;
      if (names.size >= size && oldest !== undefined) names.delete(oldest);
      names.add(name);
    },
  };
}
