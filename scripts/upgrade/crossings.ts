import { join } from "node:path";
import { createTokenClient, isTokenError } from "../../src/client/client.ts";
import type { createVerifier } from "../../src/verifier/verifier.ts";

/** Longest time from the response to a revocation until the other server applies it, in milliseconds. */
const BOUND_MS = 1000;

/** One server, and the project that it runs from. */
export type Side = { url: string; root: string };

/** Changes by one server, observed at the other. Each returns its observation, or throws. */
export function crossings(here: Side, there: Side): Record<string, () => Promise<string>> {
  const [one, other] = [here, there].map(({ url }) => createTokenClient({ url }));
  if (one === undefined || other === undefined) throw new Error("two servers are needed");
  const verifies = async (token: string) =>
    other.verifyToken.mutate({ token }).then(
      () => "accepted",
      (error: unknown) => (isTokenError(error) ? error.data.reason : String(error)),
    );

  return {
    "a token is verified": async () => {
      const { token } = await one.getToken.query({ subject: "ada" });
      const { sub } = await other.verifyToken.mutate({ token });
      return `sub ${sub}`;
    },
    "a grant is refreshed": async () => {
      const { refreshToken = "" } = await one.getToken.query({ subject: "ada", refreshable: true });
      const { refreshToken: next = "" } = await other.refreshToken.mutate({ refreshToken });
      await one.refreshToken.mutate({ refreshToken: next });
      return "there and back";
    },
    "a revoked token is refused": async () => {
      const { token } = await one.getToken.query({ subject: "ada" });
      await other.verifyToken.mutate({ token });
      await one.revokeToken.mutate({ token });
      return within(() => verifies(token), "token_revoked");
    },
    "a revoked subject is refused": async () => {
      const { token } = await one.getToken.query({ subject: "bob" });
      await one.revoke.mutate({ subject: "bob" });
      return within(() => verifies(token), "token_revoked");
    },
    "a client is added and removed": async () => {
      const made = await one.clients.create.mutate({ name: "billing", permissions: ["issue"], anySubject: true });
      const client = createTokenClient({ url: there.url, credentials: made });
      await client.getToken.query({ subject: "ada" });
      await one.clients.remove.mutate({ clientId: made.clientId });
      const refused = () => client.getToken.query().then(String, (error) => error.data?.reason);
      return within(refused, "invalid_client");
    },
    "a public client has no secret, and keeps what the other does not know of it": async () => {
      const redirectUris = ["http://127.0.0.1/callback"];
      const fields = { name: "cli", permissions: [], authMethod: "none" as const, redirectUris };
      const made = await one.clients.create.mutate(fields).catch(reasonOf);
      if (typeof made === "string") return `not known to the earlier one: ${made}`;
      const { clientId } = made;
      const client = createTokenClient({ url: there.url, credentials: { clientId, clientSecret: "x" } });
      const refused = await client.getToken.query().then(String, (error) => error.data?.reason);
      // The first releases could not change clients.
      const changed = await other.clients.update.mutate({ clientId, name: "renamed" }).catch(reasonOf);
      const name = changed === "not_found" ? "cli" : "renamed";
      const kept = (await one.clients.list.query()).find((listed) => listed.clientId === clientId);
      await one.clients.remove.mutate({ clientId });
      if (refused !== "invalid_client" || kept?.name !== name) throw new Error(`${refused}, ${kept?.name}`);
      if (kept.authMethod !== "none" || kept.redirectUris?.length !== 1) throw new Error("its metadata is lost");
      return `refused by HTTP Basic, and is still public as ${name}`;
    },
    "a token of a rotated key is verified": async () => {
      await one.keys.rotate.mutate({ immediate: true });
      const { token } = await one.getToken.query();
      await other.verifyToken.mutate({ token });
      return `${(await other.keys.list.query()).length} keys`;
    },
    "the audit log is read": async () => {
      const { records } = await other.audit.list.query({ limit: 100 });
      return `${records.length} records of a page`;
    },
    "a verifier of one follows the other": async () => {
      const { createVerifier: create } = (await import(join(here.root, "dist/verifier/verifier.js"))) as VerifierModule;
      const { token } = await one.getToken.query();
      const { iss: issuer } = await one.verifyToken.mutate({ token });
      const verifier = create({ issuer, audience: issuer, url: there.url });
      try {
        await verifier.ready;
        await verifier.verify(token);
        await one.revokeToken.mutate({ token });
        const verdict = () => verifier.verify(token).then(() => "accepted", reasonOf);
        return await within(verdict, "token_revoked");
      } finally {
        verifier.close();
      }
    },
  };
}

type VerifierModule = { createVerifier: typeof createVerifier };

const reasonOf = (error: unknown) =>
  isTokenError(error) ? error.data.reason : String((error as { reason?: string }).reason);

/** Waits for a verdict. Returns how long it took; throws where it does not come. */
async function within(verdict: () => Promise<string>, wanted: string): Promise<string> {
  const began = performance.now();
  for (;;) {
    const given = await verdict();
    const took = performance.now() - began;
    if (given === wanted) return `${wanted} after ${took.toFixed(0)} ms`;
    // A verdict from the cache needs no I/O: without this, no event would ever arrive.
    await new Promise(setImmediate);
    if (took > BOUND_MS) throw new Error(`${given} after ${took.toFixed(0)} ms, expected ${wanted}`);
  }
}
