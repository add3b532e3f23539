import { createPublicKey } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { importJWK, jwtVerify } from "jose";
import { importPublicJwk } from "../../src/keys/public-jwk.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import type { TokenServiceOptions } from "../../src/service/options.ts";
import { createTokenService } from "../../src/service/service.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { anyClaims } from "../../src/token/claims.ts";
import { createTrustState } from "../../src/trust/trust-state.ts";
import { createTokenVerifier } from "../../src/verifier/token-verifier.ts";
import { inTables } from "./results.ts";
import { progress, quantile, type Report } from "./support.ts";

type Verify = (token: string) => unknown;

/** Rounds of each contender. Those before the engine has compiled everything are not counted. */
const ROUNDS = 24;
const WARM_UP = 14;
const REVOKED = 100_000;

/** Verification in process: hot, with one token that is cached, and cold, with different tokens. */
export async function measure(): Promise<Report> {
  const report: Report = {};
  const createFastVerifier = await loadFastJwt();
  for (const alg of ["ES256", "EdDSA", "RS256"] as const) {
    const { issuer, issue, jwk, verify, close } = await openIssuer({ alg });
    const key = await importJWK(jwk, alg);
    const expected = { issuer, audience: issuer, algorithms: [alg], typ: "at+jwt" };
    const fastOptions = {
      key: createPublicKey({ key: jwk as never, format: "jwk" }).export({ type: "spki", format: "pem" }),
    };
    const fast = createFastVerifier({ ...fastOptions, cache: true, allowedIss: issuer, allowedAud: issuer });
    const uncached = createFastVerifier({ ...fastOptions, allowedIss: issuer, allowedAud: issuer });
    const jose: Verify = (token) => jwtVerify(token, key, expected);

    const [first = ""] = await issue(1);
    const repeated = async () => Array<string>(10_000).fill(first);
    const hot = await measureRounds({ mintmark: verify, "fast-jwt with cache": fast }, repeated);
    report[`${alg} hot, ${REVOKED} revocations held`] = inWords(hot);
    const cold = await measureRounds({ mintmark: verify, jose, "fast-jwt": uncached }, () => issue(500));
    report[`${alg} cold`] = inWords(cold);
    await close();
  }
  return inTables("local", [], report);
}

/** A service, and the verifier of a resource server with 100,000 revocations. */
async function openIssuer(options: TokenServiceOptions) {
  const folder = mkdtempSync(join(tmpdir(), "mintmark-bench-"));
  const store = await openSqliteStore(folder);
  const service = await createTokenService({ store, ...options });
  const issueOne = () => service.getToken(localCaller, { claims: {}, subject: "ada", scope: "orders:read" });
  const issue = async (length: number) =>
    (await Promise.all(Array.from({ length }, issueOne))).map(({ token }) => token);
  const trust = createTrustState();
  const until = Math.floor(Date.now() / 1000) + 900;
  const revocations = Array.from({ length: REVOKED }, (_, at) => ({
    kind: at % 2 ? ("token" as const) : ("subject" as const),
    id: `revoked-${at}`,
    sequence: at,
    until,
  }));
  trust.apply({ epoch: "bench", sequence: REVOKED, at: 0, revocations });
  const [jwk = {}] = service.jwks().keys;
  const key = await importPublicJwk(jwk);
  const source = {
    lookup: (kid: string) => (kid === key.kid ? key : undefined),
    fetchKey: async () => undefined,
    trust: () => trust,
    isStale: () => false,
  };
  const { issuer } = service;
  const policy = { issuer };
  const clock = () => Math.floor(Date.now() / 1000);
  const verifyToken = createTokenVerifier({ source, policy: () => policy, claimsSchema: anyClaims, clock });
  const verify: Verify = (token) => verifyToken(token, { audience: issuer });
  const close = async () => {
    await service.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { issuer, issue, jwk, verify, close };
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Measures contenders in rounds. Returns the microseconds of processor time for a token, by round. */
async function measureRounds(
  contenders: Record<string, Verify>,
  tokens: () => Promise<readonly string[]>,
): Promise<Map<string, number[]>> {
  const times = new Map(Object.keys(contenders).map((name) => [name, [] as number[]]));
  for (let round = 0; round < ROUNDS; round += 1) {
    const issued = await tokens();
    for (const [name, verify] of Object.entries(contenders)) {
      // New strings, without a hash, as requests carry them.
      const work = issued.map((token) => Buffer.from(token).toString("latin1"));
      // Otherwise the next contender pays for the garbage of this one.
      collectGarbage();
      const start = process.cpuUsage();
      for (const token of work) await verify(token);
      const { user, system } = process.cpuUsage(start);
      if (round >= WARM_UP) times.get(name)?.push((user + system) / work.length);
    }
  }
  progress([...times].map(([name, each]) => `${name} ${quantile(each, 0.5).toFixed(2)} µs`).join(" · "));
  return times;
}

function inWords(times: Map<string, number[]>): string {
  const [own = 1] = [...times.values()].map((each) => quantile(each, 0.5));
  return [...times]
    .map(([name, each]) => `${name} ${quantile(each, 0.5).toFixed(2)} µs (×${(quantile(each, 0.5) / own).toFixed(2)})`)
    .join(" · ");
}

type CreateFastVerifier = (options: Record<string, unknown>) => Verify;

/** A package of scripts/bench, not a dependency. */
async function loadFastJwt(): Promise<CreateFastVerifier> {
  const name = "fast-jwt";
  try {
    return ((await import(name)) as { createVerifier: CreateFastVerifier }).createVerifier;
  } catch {
    throw new Error("fast-jwt is missing: run  npm ci --prefix scripts/bench  first");
  }
}
