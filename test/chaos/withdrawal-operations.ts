import { attempt, isAnswer } from "./attempt.ts";
import type { Ledger } from "./ledger.ts";
import {
  clientOf,
  newName,
  noteRefusal,
  oauthClientOf,
  pickLive,
  type Scenario,
  type TokenClient,
} from "./scenario.ts";
import type { Target, Thing } from "./timeline.ts";

type Withdrawal = {
  operation: string;
  targets: readonly Target[];
  /** The audit record that it leaves. */
  action: string;
  id: string;
  /** Its subject. If another operation ends it first, there is nothing left to do or to record. */
  of?: Thing;
  send: (client: TokenClient, options: { signal: AbortSignal }) => Promise<unknown>;
};

/** Ends everything that the targets cover. */
export async function withdraw(scenario: Scenario, withdrawal: Withdrawal): Promise<boolean> {
  const { operation, targets, action, id, of, send } = withdrawal;
  const { timeline, acknowledge, count } = scenario.ledger;
  const noted = timeline.withdraw(targets);
  const client = clientOf(scenario);
  const outcome = await attempt((signal) => send(client, { signal }));
  if (!isAnswer(outcome)) return noteRefusal(scenario, operation, { outcome });
  const isAlone = of === undefined || (of.life === "unsure" && of.doubts.every((doubt) => doubt === noted));
  timeline.acknowledge(noted, performance.now());
  if (isAlone) acknowledge(operation, { action, id });
  else count(operation);
  return true;
}

/** An operation on one of the latest things of a kind that live, if there is one. */
function onLive<Item extends Thing>(
  itemsOf: (ledger: Ledger) => readonly Item[],
  withdrawalOf: (item: Item, scenario: Scenario) => Withdrawal,
) {
  return async (scenario: Scenario): Promise<boolean> => {
    const item = pickLive(scenario, itemsOf(scenario.ledger));
    return item === undefined || withdraw(scenario, withdrawalOf(item, scenario));
  };
}

export const revokeToken = onLive(
  ({ tokens }) => tokens,
  (of) => {
    const { jti: id = "" } = of.handles;
    return {
      ...{ operation: "revoke a token", targets: [{ by: "jti", id }], action: "revokeToken", id, of },
      send: (client, options) => client.revokeToken.mutate({ token: of.text }, options),
    };
  },
);

export const revokeTokenByOAuth = onLive(
  ({ tokens }) => tokens,
  (of, scenario) => {
    const { jti: id = "" } = of.handles;
    return {
      ...{ operation: "revoke a token by OAuth", targets: [{ by: "jti", id }], action: "revokeToken", id, of },
      send: (_client, options) => oauthClientOf(scenario).revokeToken(of.text, options),
    };
  },
);

/** Those of the local client: it may revoke them by their refresh tokens. */
const localGrants = ({ grants }: Ledger) => grants.filter(({ as }) => as === undefined);

export const revokeGrantByOAuth = onLive(localGrants, (of, scenario) => {
  const [{ sid: id = "" }, token] = [of.handles, of.current];
  return {
    ...{ operation: "revoke a grant by OAuth", targets: [{ by: "sid", id }], action: "revokeToken", id, of },
    send: (_client, options) => oauthClientOf(scenario).revokeToken(token, options),
  };
});

export const revokeGrant = onLive(localGrants, (of) => {
  const [{ sid: id = "" }, token] = [of.handles, of.current];
  return {
    ...{ operation: "revoke a grant", targets: [{ by: "sid", id }], action: "revokeToken", id, of },
    send: (client, options) => client.revokeToken.mutate({ token }, options),
  };
});

export const revokeClient = onLive(
  ({ clients }) => clients,
  ({ clientId: id }) => ({
    ...{ operation: "revoke a client", targets: [{ by: "clientId", id }], action: "revoke", id },
    send: (admin, options) => admin.revoke.mutate({ clientId: id }, options),
  }),
);

export const revokeKey = onLive(
  ({ keys }) => [...keys.values()],
  ({ kid: id }) => ({
    ...{ operation: "revoke a key", targets: [{ by: "kid", id }], action: "keys.kill", id },
    send: (admin, options) => admin.revoke.mutate({ keyId: id }, options),
  }),
);

export async function revokeSubject(scenario: Scenario): Promise<boolean> {
  const { random, subjects } = scenario;
  const [id = ""] = subjects.splice(Math.floor(random.between(0, subjects.length)), 1, newName("subject"));
  return withdraw(scenario, {
    ...{ operation: "revoke a subject", targets: [{ by: "subject", id }], action: "revoke", id },
    send: (client, options) => client.revoke.mutate({ subject: id }, options),
  });
}
