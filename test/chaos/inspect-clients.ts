import { attempt, isAnswer, isRefusal } from "./attempt.ts";
import { restoreClient } from "./client-operations.ts";
import type { Client } from "./ledger.ts";
import { retry } from "./retry.ts";
import { clientOf, type Scenario } from "./scenario.ts";

/** The last secret of a live client is accepted, and the client has its permission. */
export async function inspectClient(scenario: Scenario, client: Client): Promise<void> {
  if (client.life !== "live") return;
  if (client.isLockedOut) await restoreClient(scenario, client);
  const { clientId, secret: clientSecret } = client;
  const connected = clientOf(scenario, { clientId, clientSecret });
  const outcome = await retry(scenario, client.what, () =>
    attempt((signal) => connected.getToken.query({}, { signal })),
  );
  if (!isRefusal(outcome)) return;
  const { ledger } = scenario;
  if (outcome.refused === "invalid_client") ledger.timeline.observe(client, "dead", performance.now());
  if (outcome.refused === "permission_denied") ledger.breach(`${client.what} has lost its permission`);
}

/** A removed client is in no list. Its secret is not tried: that would count as guessing. */
export async function inspectRemovals(scenario: Scenario): Promise<void> {
  const { ledger } = scenario;
  const admin = clientOf(scenario);
  const outcome = await retry(scenario, "list of clients", () =>
    attempt((signal) => admin.clients.list.query(undefined, { signal })),
  );
  if (!isAnswer(outcome)) return;
  const there = new Set(outcome.answer.map(({ clientId }) => clientId));
  for (const client of ledger.clients)
    ledger.timeline.observe(client, there.has(client.clientId) ? "live" : "dead", performance.now());
}
