import { expect, test } from "vitest";
import { twinOf } from "../../support/ecdsa.ts";
import { encode, type Forge, forge, goodClaims, goodHeader } from "../../support/forge.ts";
import { call } from "../../support/request.ts";
import { NOW } from "../../support/service.ts";
import { type AttackRun, presentAll, surprises } from "./attack-run.ts";
import type { Attempt } from "./attempts.ts";
import { introspectTokenEndpoint, verifierEndpoint, verifyTokenEndpoint } from "./endpoints.ts";
import { introspectEndpoint } from "./form-endpoints.ts";
import type { Target } from "./targets.ts";

/** In milliseconds. A busy machine needs seconds for milliseconds of work. */
const SOON = { interval: 5, timeout: 10_000 };

type Expected = Pick<Attempt, "row" | "verdict"> & { audience?: string; among?: readonly Target[] };

/** Rows 20, 44, 47 and 48: tokens that were valid a moment ago, or resemble a valid one. */
export function lifecycleAttacks(attackRun: AttackRun): void {
  const all = [...attackRun.targets.byAlg.values()];
  const pairs = all.filter(({ by }) => by.alg !== "HS256");
  const endpoints = [
    verifyTokenEndpoint,
    introspectTokenEndpoint,
    introspectEndpoint,
    verifierEndpoint,
    ...attackRun.middlewares,
  ];

  /** Presents a token of each service at every endpoint. */
  async function expectEverywhere(tokenOf: (by: Forge) => string, { among = all, ...expected }: Expected) {
    const attempts = among.map(({ by }) => ({
      ...expected,
      ...{ alg: by.alg, token: tokenOf(by), name: "a token", variety: "" },
    }));
    // A revocation reaches followers a moment after the answer.
    await expect
      .poll(async () => surprises(await presentAll(attackRun.targets, verifierEndpoint, attempts)), SOON)
      .toEqual([]);
    const outcomes = await Promise.all(endpoints.map((endpoint) => presentAll(attackRun.targets, endpoint, attempts)));
    expect(surprises(outcomes.flat())).toEqual([]);
  }

  test("row 47: a token that was verified lends nothing to others that end like it, and none of them spoils it", async () => {
    for (const verdict of ["invalid_token", "accepted", "invalid_token", "accepted"] as const) {
      const [first, second] = verdict === "accepted" ? [remembered, remembered] : [withOtherClaims, withOtherHeader];
      await expectEverywhere(first, { row: 47, verdict });
      await expectEverywhere(second, { row: 47, verdict });
    }
    const audience = attackRun.attempts.find(({ audience }) => audience !== undefined)?.audience ?? "";
    await expectEverywhere(remembered, { row: 47, verdict: "wrong_audience", audience });
  });

  test("row 44: subjects that look alike are not one: what is revoked of one is left to the others", async () => {
    const subjects = ["Ren\u00e9e", "Rene\u0301e", "Ren\u00e9\u200be", "R\u0435n\u00e9e", "ren\u00e9e"];
    const issued = new Map<string, string>();
    for (const { by, url } of all) {
      for (const subject of subjects) issued.set(`${by.alg} ${subject}`, await getToken(url, subject));
      expect(await call(url, "revoke", { subject: subjects[0] })).toMatchObject({ status: 200 });
    }
    for (const [at, subject] of subjects.entries()) {
      const verdict = at === 0 ? "token_revoked" : "accepted";
      await expectEverywhere((by) => issued.get(`${by.alg} ${subject}`) ?? "", { row: 44, verdict });
    }
  });

  const stillGood = attackRun.attempts.filter(({ verdict, token }) => verdict === "accepted" && isPlain(token));

  async function expectAll(verdict: Attempt["verdict"]): Promise<void> {
    const attempts = stillGood.map((attempt) => ({ ...attempt, verdict }));
    for (const endpoint of [verifyTokenEndpoint, introspectTokenEndpoint, verifierEndpoint])
      expect(surprises(await presentAll(attackRun.targets, endpoint, attempts))).toEqual([]);
  }

  test("row 48: all spellings of one token are good until one of them is revoked, and then none is", async () => {
    await expectAll("accepted");
    for (const { by, url } of all) {
      const token = by.alg.startsWith("ES") ? twinOf(forge(by), by.alg) : forge(by);
      expect(await call(url, "revokeToken", { token })).toMatchObject({ status: 200 });
    }
    await expectEverywhere((by) => forge(by), { row: 48, verdict: "token_revoked" });
    await expectAll("token_revoked");
  });

  test("row 20: no token by a revoked key is valid, not even one that was verified before", async () => {
    await expectEverywhere(remembered, { row: 20, verdict: "accepted" });
    for (const { by, url } of pairs)
      expect(await call(url, "revoke", { keyId: by.kid })).toMatchObject({ status: 200 });
    await expectEverywhere(remembered, { row: 20, verdict: "invalid_token", among: pairs });
  });
}

async function getToken(url: string, subject: string): Promise<string> {
  const { data } = await call(url, "getToken", { subject });
  return (data as { token: string }).token;
}

/** Whether a token is another spelling of the usual one. */
function isPlain(token: unknown): boolean {
  const { jti, exp } = JSON.parse(Buffer.from(String(token).split(".")[1] ?? "", "base64url").toString());
  return jti === goodClaims().jti && exp === NOW + 900;
}

const signatures = new Map<string, string>();

/** The same token every time: ECDSA and RSA-PSS sign with randomness. */
function remembered(by: Forge): string {
  const known = signatures.get(by.kid) ?? forge(by, { payload: goodClaims({ jti: "remembered" }) });
  signatures.set(by.kid, known);
  return known;
}

/** The cache looks verified tokens up by their last characters, which are equal here. */
function withOtherClaims(by: Forge): string {
  const [header = "", , signature = ""] = remembered(by).split(".");
  return [header, encode(goodClaims({ jti: "remembered", sub: "eve" })), signature].join(".");
}

function withOtherHeader(by: Forge): string {
  const [, payload = "", signature = ""] = remembered(by).split(".");
  return [encode(goodHeader(by, { typ: "AT+JWT" })), payload, signature].join(".");
}
