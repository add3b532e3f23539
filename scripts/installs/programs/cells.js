/**
 * What the table of `npm run installs` is made of: each function uses the installed package in one way, and rejects unless
 * it does what its documents say. Written for every runtime, so without modules of Node.
 */
import { createVerifier } from "mintmark/verifier";
import { createFetchAuth } from "mintmark/verifier/fetch";

/** The status that a resource server of the package answers to a token. */
const statusBy = (verifier) => async (token) => {
  const headers = { authorization: `Bearer ${token}` };
  const claims = await createFetchAuth(verifier)(new Request("http://127.0.0.1/me", { headers }));
  return claims instanceof Response ? claims.status : 200;
};

export const cells = {
  feed: (issuer, open = statusBy) => verifyFrom(issuer, { follow: true, open }),
  jwks: (issuer, open = statusBy) => verifyFrom(issuer, { follow: false, open }),
  /** The whole server, on the embedded database where a folder is given. */
  async server(_issuer, folder) {
    const { createTokenServer, createTokenService, openSqliteStore } = await import("mintmark");
    const store = folder === undefined ? undefined : await openSqliteStore(folder);
    const service = await createTokenService({ store, issuer: "http://127.0.0.1:1" });
    const server = await createTokenServer(service, { port: 0 });
    await callService(`${server.origin}/trpc`);
    await server.close();
  },
  async testing(_issuer, open = statusBy) {
    const { createTestIssuer } = await import("mintmark/testing");
    const issuer = await createTestIssuer();
    const statusOf = await open(issuer.verifier);
    const token = await issuer.token({ subject: "ada" });
    await expectStatuses(statusOf, token);
    await issuer.revoke({ token });
    if ((await statusOf(token)) !== 401) throw new Error("accepts a revoked token");
    await issuer.close();
  },
};

async function verifyFrom(issuer, { follow, open }) {
  const verifier = createVerifier({ issuer, audience: issuer, follow });
  try {
    await verifier.ready;
    const statusOf = await open(verifier);
    const { token } = await call(`${issuer}/trpc/getToken`);
    await expectStatuses(statusOf, token);
    await call(`${issuer}/trpc/revokeToken`, { token });
    if ((await isRefused(statusOf, token, follow ? 100 : 1)) !== follow) throw new Error("accepts a revoked token");
  } finally {
    verifier.close();
  }
}

/** Whether a revoked token is refused, within some attempts. */
async function isRefused(statusOf, token, attempts) {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    if ((await statusOf(token)) === 401) return true;
  }
  return false;
}

async function expectStatuses(statusOf, token) {
  const statuses = [await statusOf(token), await statusOf(`${token.slice(0, -8)}AAAAAAAA`), await statusOf("x")];
  if (statuses.join() !== "200,401,401") throw new Error(`answers ${statuses.join()}`);
}

/** Gets, verifies and revokes a token of the service whose procedures are at a URL. */
export async function callService(url) {
  const { token } = await call(`${url}/getToken`);
  if ((await call(`${url}/verifyToken`, { token })).sub === undefined) throw new Error("has no subject");
  await call(`${url}/revokeToken`, { token });
  const outcome = await call(`${url}/verifyToken`, { token }).catch(({ message }) => message);
  if (outcome !== "token_revoked") throw new Error(`a revoked token: ${JSON.stringify(outcome)}`);
}

async function call(url, input) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, input && { method: "POST", headers, body: JSON.stringify(input) });
  const { result, error } = await response.json();
  if (error !== undefined) throw new Error(error.data.reason);
  return result.data;
}
