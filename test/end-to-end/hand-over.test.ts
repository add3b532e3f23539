import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { json } from "node:stream/consumers";
import { expect, it, vi } from "vitest";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { startBalancer } from "../support/balancer.ts";
import { scrape } from "../support/metrics.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { startServer } from "../support/process.ts";
import { call, send } from "../support/request.ts";

const ISSUER = "https://tokens.example";
const FOLLOWERS = 10;
const CLIENTS = 8;

/** Limits in milliseconds after the signal. */
const DRAIN = 1000;
/** All followers follow the other server. */
const HANDED_OVER = DRAIN + 3000;
/** The process has ended, with followers and requests until then. */
const ENDED = DRAIN + 5000;

/** Requests tokens in sequence over persistent connections until it is stopped. Returns their number and the failures. */
function startLoad(origin: string) {
  const seen = { answered: 0, askedToLeave: 0, failures: [] as string[] };
  let going = true;
  const runs = Array.from({ length: CLIENTS }, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (going) {
      try {
        const post = request(`${origin}/trpc/getToken`, {
          agent,
          method: "POST",
          headers: { "content-type": "application/json" },
        });
        post.end("{}");
        const [response] = await once(post, "response");
        await json(response);
        // A busy database gets a response, too.
        if (response.statusCode !== 200 && response.statusCode !== 503) seen.failures.push(String(response.statusCode));
        seen.answered += 1;
        if (response.headers.connection === "close") seen.askedToLeave += 1;
      } catch (error) {
        seen.failures.push(String(error));
      }
    }
    agent.destroy();
  });
  return {
    seen,
    async stop() {
      going = false;
      await Promise.all(runs);
    },
  };
}

describePostgres("a server that stops beside another one", () => {
  it(`breaks no connection, hands its followers over within ${HANDED_OVER} ms, and ends within ${ENDED} ms`, {
    timeout: 60_000,
  }, async () => {
    const environment = {
      PORT: "0",
      DATABASE_URL: await sharedPostgres.newDatabase(),
      MINTMARK_ISSUER: ISSUER,
      MINTMARK_ACCESS: "open",
      MINTMARK_KEK: randomBytes(32).toString("base64url"),
      MINTMARK_DRAIN: `${DRAIN / 1000}`,
    };
    const [leaving, staying] = await Promise.all([startServer(environment), startServer(environment)]);
    await using _leaving = leaving;
    await using _staying = staying;
    using balancer = await startBalancer([leaving.origin, staying.origin]);
    const options = { issuer: ISSUER, url: balancer.origin, audience: ISSUER };
    const verifiers = Array.from({ length: FOLLOWERS }, () => createVerifier(options));
    await Promise.all(verifiers.map(({ ready }) => ready));
    const followersOf = async (origin: string) => (await scrape(origin)).of("feed_followers");
    expect(await followersOf(leaving.origin)).toBe(FOLLOWERS);
    const load = startLoad(balancer.origin);
    await vi.waitFor(() => expect(load.seen.answered).toBeGreaterThan(100), 10_000);

    const start = performance.now();
    const stopped = leaving.stop("SIGTERM");
    await vi.waitFor(async () => expect(await send(`${leaving.origin}/readyz`)).toMatchObject({ status: 503 }), DRAIN);
    const draining = JSON.parse((await send(`${leaving.origin}/readyz`)).text).checks;
    await vi.waitFor(async () => expect(await followersOf(staying.origin)).toBe(FOLLOWERS), {
      timeout: HANDED_OVER - (performance.now() - start),
      interval: 20,
    });
    const { code } = await stopped;
    const took = performance.now() - start;
    await load.stop();

    expect(draining).toMatchObject({ store: "ok", keys: "ok", trust: "ok", server: "draining" });
    expect(load.seen.failures).toEqual([]);
    expect(load.seen.askedToLeave).toBeGreaterThanOrEqual(CLIENTS);
    expect(code).toBe(0);
    expect(took).toBeLessThan(ENDED);
    const { token } = (await call(staying.origin, "getToken", {})).data as { token: string };
    await Promise.all(verifiers.map((verifier) => verifier.verify(token)));
    await call(staying.origin, "revokeToken", { token });
    await vi.waitFor(async () => {
      for (const verifier of verifiers)
        await expect(verifier.verify(token)).rejects.toMatchObject({ reason: "token_revoked" });
    });
    for (const verifier of verifiers) verifier.close();
  });
});
