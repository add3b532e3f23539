import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { AnyClaims } from "../../src/token/claims.ts";
import { createVerifier, type VerifierOptions } from "../../src/verifier/verifier.ts";
import { publish, startFeed } from "../support/feed.ts";
import { forge, openPairForge, type PairForge } from "../support/forge.ts";
import { ISSUER, NOW } from "../support/service.ts";
import { verdictOf } from "../support/verifier.ts";

let [by, next]: PairForge[] = [];
beforeAll(async () => {
  [by, next] = await Promise.all([openPairForge("ES256"), openPairForge("EdDSA")]);
});

const jwkOf = ({ stored }: PairForge) => JSON.parse(stored.publicJwk) as object;

/** A verifier by the JWK Set alone; the service publishes the first key. */
async function start(headers: Record<string, string>, options: Partial<VerifierOptions<AnyClaims>> = {}) {
  if (by === undefined || next === undefined) throw new Error("The keys are not made yet");
  const service = await startFeed();
  service.answer.jwks = publish([jwkOf(by)], headers);
  const fixed = { issuer: ISSUER, audience: ISSUER, url: service.url, follow: false, clock: () => NOW };
  const verifier = createVerifier({ ...fixed, ...options });
  return {
    verifier,
    service,
    by,
    next,
    verdict: (key: PairForge) => verdictOf(verifier.verify(forge(key))),
    async [Symbol.asyncDispose]() {
      verifier.close();
      await service[Symbol.asyncDispose]();
    },
  };
}

describe("a verifier that does not follow the feed", () => {
  it.concurrent("verifies by the JWK Set, which it fetches once, without the feed", async ({ expect }) => {
    await using started = await start({ "cache-control": "public, max-age=600" });
    const { verifier, service, by } = started;
    expect(await started.verdict(by)).toBe("verifier_stale");
    await verifier.ready;
    expect(await started.verdict(by)).toBe("accepted");
    expect([service.answer.asked, service.connections.length]).toEqual([1, 0]);
    expect(verifier.age).toBeLessThan(2);
  });

  it.concurrent("fetches the set for an unknown key at most once a second, and replaces the old set", async ({
    expect,
  }) => {
    await using started = await start({});
    const { verifier, service, by, next } = started;
    await verifier.ready;
    service.answer.jwks = publish([jwkOf(next)]);
    const verdicts = await Promise.all(Array.from({ length: 9 }, () => started.verdict(next)));
    expect([new Set(verdicts), service.answer.asked]).toEqual([new Set(["accepted"]), 2]);
    expect(await started.verdict(by)).toBe("invalid_token");
    expect(service.answer.asked).toBe(2);
  });

  it.concurrent("keeps the last valid set while the service sends none or an invalid one", async ({ expect }) => {
    await using started = await start({});
    const { verifier, service, by, next } = started;
    await verifier.ready;
    for (const answer of [publish([], { "content-length": "1" }), publish(["no key"] as never)]) {
      service.answer.jwks = answer;
      await sleep(1100);
      expect(await started.verdict(next)).toBe("invalid_token");
      expect(await started.verdict(by)).toBe("accepted");
    }
    expect(service.answer.asked).toBe(3);
  });

  it.concurrent("retries until there is a set, and reports the failure", async ({ expect }) => {
    await using started = await start({});
    const { verifier, service, by } = started;
    service.answer.jwks = (_, response) => response.writeHead(503).end();
    await expect.poll(() => verifier.failure?.message).toBe("The service answered 503");
    expect(verifier.state).toBe("connecting");
    service.answer.jwks = publish([jwkOf(by)]);
    await verifier.ready;
    expect(verifier.failure).toBeUndefined();
  });

  it.concurrent("fetches the set again before it expires", async ({ expect }) => {
    // It caches a set for at least ten seconds.
    await using started = await start({ "cache-control": "max-age=0" }, { maxStaleness: 0.001 });
    const { verifier, service } = started;
    const states: string[] = [];
    verifier.onStateChange((state) => states.push(state));
    await verifier.ready;
    await expect.poll(() => service.answer.asked, { timeout: 9500, interval: 100 }).toBe(2);
    await expect.poll(() => verifier.age, { timeout: 500 }).toBeLessThan(1);
    expect(states).toEqual(["live"]);
  });

  it.each([
    [{ "cache-control": "max-age=60" }, 90],
    [{ "cache-control": "max-age=60", age: "50" }, 40],
    [{ "cache-control": "s-maxage=9, max-age=999999" }, 86430],
    [{}, 630],
    [{ "cache-control": "no-store" }, 40],
  ])("with the headers %o is stale after %d seconds", async (headers, seconds) => {
    await using started = await start(headers);
    const { verifier } = started;
    await verifier.ready;
    const wall = Date.now;
    let ahead = 0;
    vi.spyOn(Date, "now").mockImplementation(() => wall() + ahead);
    try {
      ahead = (seconds - 3) * 1000;
      expect(verifier.state).toBe("live");
      ahead = (seconds + 1) * 1000;
      expect(verifier.state).toBe("stale");
      expect(await started.verdict(started.by)).toBe("verifier_stale");
    } finally {
      vi.restoreAllMocks();
    }
  });
});
