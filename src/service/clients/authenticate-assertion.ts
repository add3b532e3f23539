import { MintmarkError } from "../../errors.ts";
import { type Client, keyCredentialOf } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock, Seconds } from "../../time.ts";
import { identifier } from "../../token/claims.ts";
import { type AssertionHeader, verifyClientAssertion } from "../../token/client-assertion.ts";
import type { PresentedCredentials, PresentedSecret } from "../../token/decode-basic.ts";
import type { Caller } from "../access/caller.ts";
import { countId } from "../throttle/call-limits.ts";
import type { FindClientKey } from "./client-keys.ts";
import type { ClientUses } from "./client-uses.ts";
import type { FailedLogins } from "./failed-logins.ts";

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

/**
 * Creates the function that authenticates a client by an assertion (RFC 7523), each of which is accepted once by all servers
 * together; and a public client by its name, which proves nothing. Throws `invalid_client`, with the reason as its cause.
 *
 * An unknown client costs as much as a wrong signature, except that the JWK Set of a known client may have to be fetched.
 */
export function createAssertionAuthentication(options: AssertionOptions) {
  const { store, clock, uses, attempt, issuer, findKey } = options;

  async function isProven(client: Client | undefined, presented: PresentedWithoutSecret): Promise<boolean> {
    const { clientId, method } = presented;
    if (method === "none") return client?.authMethod === "none";
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
    const [uses = 1] = await store.addToCounts([{ id, amount: 1, until }]);
    return owner !== undefined && uses === 1;
  }

  return (presented: PresentedWithoutSecret, address: string | undefined): Promise<Caller> =>
    attempt({ clientId: presented.clientId, address }, async () => {
      // Not every database accepts any text: an impossible id is not queried.
      const isPossible = identifier.safeParse(presented.clientId).success;
      const client = isPossible ? await store.findClient(presented.clientId) : undefined;
      if (!(await isProven(client, presented)) || client === undefined) throw new MintmarkError("invalid_client");
      uses.note(client);
      return { ...client, credential: keyCredentialOf(client) ?? "" };
    });
}
