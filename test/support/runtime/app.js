/** A resource server on the verifier, as it runs in every JavaScript runtime: it says what becomes of a token at each entry. */
import { initTRPC } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { Hono } from "hono";
import { createVerifier } from "mintmark/verifier";
import { createFetchAuth } from "mintmark/verifier/fetch";
import { bearerAuth } from "mintmark/verifier/hono";
import { trpcAuth } from "mintmark/verifier/trpc";

const verifiers = new Map();

function verifierOf(options, now) {
  const name = JSON.stringify(options);
  const known = verifiers.get(name) ?? { clock: { now } };
  known.clock.now = now;
  known.verifier ??= createVerifier({ ...options, clock: () => known.clock.now });
  verifiers.set(name, known);
  return known.verifier;
}

const t = initTRPC.context().create();

const entries = {
  async verify(verifier, token) {
    return (await verifier.verify(token)).sub;
  },
  async fetch(verifier, token) {
    const claims = await createFetchAuth(verifier)(requestWith(token));
    return claims instanceof Response ? (await claims.json()).reason : claims.sub;
  },
  async hono(verifier, token) {
    const app = new Hono().get("/*", bearerAuth(verifier), (c) => c.json({ sub: c.get("auth").sub }));
    const { sub, reason } = await (await app.request(requestWith(token))).json();
    return sub ?? reason;
  },
  async trpc(verifier, token) {
    const router = t.router({ me: t.procedure.concat(trpcAuth(verifier).procedure).query(({ ctx }) => ctx.auth.sub) });
    const req = requestWith(token);
    const response = await fetchRequestHandler({ req, router, endpoint: "", createContext: () => ({ req }) });
    const { result, error } = await response.json();
    return result?.data ?? error.message;
  },
};

function requestWith(token) {
  return new Request("http://127.0.0.1/me", { headers: { authorization: `Bearer ${token}` } });
}

/** Answers what a entry says of a token: its subject, or why it is refused. */
export async function handle(request) {
  const { options, now, token, entry } = await request.json();
  try {
    const verifier = verifierOf(options, now);
    await verifier.ready;
    return Response.json({ said: await entries[entry](verifier, token), failure: verifier.failure?.message });
  } catch (error) {
    return Response.json({ said: error.reason ?? String(error), cause: String(error.cause) });
  }
}
