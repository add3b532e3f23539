import { beforeAll, describe, expect, it } from "vitest";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { addClient } from "../support/clients.ts";
import type { Script } from "../support/feed.ts";
import { openPairForge, type PairForge } from "../support/forge.ts";
import { ISSUER, openServer } from "../support/service.ts";
import { follow, healthy } from "../support/verifier.ts";

let by: PairForge;
beforeAll(async () => {
  by = await openPairForge("ES256");
});

/** A refusal of the service. */
const refused =
  (status: number, reason: string): Script =>
  ({ response }) =>
    response
      .writeHead(status, { "content-type": "application/json" })
      .end(JSON.stringify({ error: { data: { reason } } }));

const pending = Symbol("pending");
const outcomeOf = (ready: Promise<void>, timeout: number) =>
  Promise.race([
    ready.then(
      () => "ready",
      (error: { reason?: string }) => error.reason,
    ),
    new Promise((resolve) => setTimeout(() => resolve(pending), timeout)),
  ]);

describe("`ready` of a refused verifier", () => {
  it.each([
    ["credentials that are unknown", { clientId: "nobody", clientSecret: "wrong" }, "invalid_client"],
    ["no credentials", undefined, "invalid_client"],
    ["a client without the permission", "issue", "permission_denied"],
  ] as const)("rejects with %s, and `failure` names the remedy", async (_, given, reason) => {
    const status = reason === "permission_denied" ? 403 : 401;
    await using opened = await openServer({ open: false });
    const credentials = given === "issue" ? await addClient(opened.service, { permissions: ["issue"] }) : given;
    using verifier = createVerifier({ issuer: ISSUER, audience: ISSUER, url: opened.url, credentials });
    await expect(verifier.ready).rejects.toMatchObject({ reason, status });
    expect(verifier.failure?.message).toContain(`The service answered ${status} (${reason}): `);
    expect(verifier.failure?.message).toContain(reason === "permission_denied" ? "follow_events" : "credentials");
    expect(verifier.state).toBe("connecting");
    // Also rejects later.
    await expect(verifier.ready).rejects.toMatchObject({ reason });
  });

  it("resolves once the service accepts it, after retries", async () => {
    await using followed = await follow([
      refused(401, "invalid_client"),
      refused(403, "permission_denied"),
      healthy(by),
    ]);
    const { verifier } = followed;
    await expect(verifier.ready).rejects.toMatchObject({ reason: "invalid_client" });
    await expect.poll(() => verifier.state).toBe("live");
    await verifier.ready;
    expect([verifier.failure, followed.states]).toEqual([undefined, ["live"]]);
  });

  it.each<[string, Script]>([
    ["another refusal", refused(503, "unavailable")],
    ["too many attempts", refused(429, "too_many_attempts")],
    ["a 401 of something in between", ({ refuse }) => refuse(401)],
    ["a reason that there is not", refused(401, "constructor")],
    ["a reason without a form", ({ response }) => response.writeHead(401).end('{"error":null}')],
    [
      "a reason that never ends",
      ({ response }) => response.writeHead(403).write('{"error":{"data":{"reason":"permission_denied"'),
    ],
  ])("stays pending after %s", async (_, script) => {
    await using followed = await follow([script]);
    expect(await outcomeOf(followed.verifier.ready, 150)).toBe(pending);
  });

  it("rejects once the verifier is closed", async () => {
    await using followed = await follow([refused(401, "invalid_client")]);
    const { verifier } = followed;
    await expect(verifier.ready).rejects.toMatchObject({ reason: "invalid_client" });
    verifier.close();
    await expect(verifier.ready).rejects.toBeDefined();
  });

  it("stays resolved if the verifier was live before", async () => {
    const once: Script = (connection) => {
      healthy(by)(connection);
      setTimeout(connection.end, 50);
    };
    await using followed = await follow([once, refused(401, "invalid_client")]);
    await followed.verifier.ready;
    await expect.poll(() => followed.verifier.failure?.message).toContain("invalid_client");
    await followed.verifier.ready;
  });
});
