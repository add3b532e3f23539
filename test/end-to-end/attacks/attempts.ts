import { setImmediate as nextTurn } from "node:timers/promises";
import type { Reason } from "../../../src/errors.ts";
import { localCaller } from "../../../src/service/access/caller.ts";
import type { Algorithm } from "../../../src/token/signature.ts";
import { identifyToken } from "../../../src/token/verify.ts";
import type { AttackSuite, Tokens } from "../../support/attack-suite.ts";
import { openStrangers } from "../../support/forge.ts";
import { ATTACKS } from "../../token/attacks/attacks.ts";
import { tokensWithUrls } from "../../token/attacks/key-selection.ts";
import type { Target, Targets } from "./targets.ts";

/** A token, its row in the list of attacks, the key that it abuses, and the expected verdict. */
export type Attempt = {
  row: number;
  name: string;
  /** Distinguishes tokens of one name. */
  variety: string;
  alg: Algorithm;
  token: unknown;
  /** The audience that is expected. Default: the usual one. */
  audience?: string | undefined;
  verdict: Reason | "accepted";
  /** Whether the key of the service signed it and it has a `jti`: then it can be revoked, whatever its other claims. */
  isIdentified?: boolean;
};

/** Whether every endpoint gets every variety by every algorithm, which takes minutes. */
const ALL = process.env.MINTMARK_TEST_ATTACKS === "all";

/** Forges all tokens of the list of attacks with the keys of running services. */
export async function forgeAttempts(
  { forges, byAlg }: Targets,
  { service, lure }: { service: Target["service"]; lure: string },
): Promise<Attempt[]> {
  const attempts: Attempt[] = [];

  function add(row: number, alg: Algorithm, { tokens, audience, verdict }: Judged): void {
    for (const [label, token] of Object.entries(tokens)) {
      const [name = "", ...varieties] = label.split(" | ");
      attempts.push({ row, name, variety: varieties.join(" "), alg, token, audience, verdict });
    }
  }

  const suite: AttackSuite = {
    // At an endpoint, every row has every algorithm.
    forges: { ...forges, fast: forges.all },
    strangers: await openStrangers(),
    service,
    // An attack that is more than a token has its own test.
    row() {},
    refused: (row, { alg }, { reason = "invalid_token", ...attack }) => add(row, alg, { ...attack, verdict: reason }),
    accepted: (row, { alg }, attack) => add(row, alg, { ...attack, verdict: "accepted" }),
  };
  for (const attack of Object.values(ATTACKS).flat()) {
    await attack(suite);
    // On a busy machine all take half a minute, in which verifiers that receive nothing would become stale.
    await nextTurn();
  }
  for (const [index, by] of forges.pairs.entries()) {
    const tokens = tokensWithUrls({ by, stranger: suite.strangers[index] ?? by, lure });
    add(14, by.alg, { tokens, verdict: "invalid_token" });
  }
  for (const alg of byAlg.keys()) add(42, alg, { tokens: await tokensOfOthers(byAlg, alg), verdict: "invalid_token" });
  for (const attempt of attempts) {
    const { keyring } = byAlg.get(attempt.alg)?.by ?? {};
    // Any other verdict is about claims, which are judged after the signature.
    attempt.isIdentified =
      attempt.verdict !== "invalid_token" ||
      (keyring !== undefined && (await identifyToken(attempt.token, keyring.lookup)) !== undefined);
  }
  return attempts;
}

type Judged = { tokens: Tokens; audience?: string; verdict: Attempt["verdict"] };

/** Access tokens and refresh tokens issued by other services of the same issuer name. */
async function tokensOfOthers(byAlg: Targets["byAlg"], own: Algorithm): Promise<Tokens> {
  const tokens: Tokens = {};
  for (const [alg, { service }] of byAlg) {
    if (alg === own) continue;
    const issued = await service.getToken(localCaller, { claims: {}, refreshable: true });
    tokens[`an access token of another service | ${alg}`] = issued.token;
    tokens[`a refresh token of another service | ${alg}`] = issued.refreshToken;
  }
  return tokens;
}

/**
 * One token of each sixth name, and one of each row for each algorithm. Every endpoint has another turn, and so other names,
 * algorithms and varieties: a name reaches a sixth of the endpoints.
 */
export function representatives(attempts: readonly Attempt[], turn: number): readonly Attempt[] {
  if (ALL) return attempts;
  const names = alike(attempts, ({ row, name }) => `${row} ${name}`).filter((_, at) => at % 6 === turn % 6);
  const rows = alike(attempts, ({ row, alg }) => `${row} ${alg}`);
  return [...new Set([...names, ...rows].flatMap((group) => group[turn % group.length] ?? []))];
}

/** One token of each name for each algorithm, and every token by a shared secret, which no local verifier accepts. */
export function oneOfEachName(attempts: readonly Attempt[]): readonly Attempt[] {
  if (ALL) return attempts;
  const groups = alike(attempts, ({ row, name, alg }) => `${row} ${name} ${alg}`);
  return groups.flatMap((group, at) => (group[0]?.alg === "HS256" ? group : (group[at % group.length] ?? [])));
}

function alike(attempts: readonly Attempt[], keyOf: (attempt: Attempt) => string): Attempt[][] {
  const groups = new Map<string, Attempt[]>();
  for (const attempt of attempts) {
    const known = groups.get(keyOf(attempt));
    if (known === undefined) groups.set(keyOf(attempt), [attempt]);
    else known.push(attempt);
  }
  return [...groups.values()];
}
