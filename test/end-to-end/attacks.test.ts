import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { faultsIn, type Outcome, openAttackRun, presentAll, surprises } from "./attacks/attack-run.ts";
import { type Attempt, oneOfEachName, representatives } from "./attacks/attempts.ts";
import { type Endpoint, verifierEndpoint, verifyTokenEndpoint } from "./attacks/endpoints.ts";
import { issueAttacks } from "./attacks/issue.ts";
import { lifecycleAttacks } from "./attacks/lifecycle.ts";
import { memoryAttacks } from "./attacks/memory.ts";
import { ELSEWHERE, OWN_TESTS } from "./attacks/register.ts";
import { requestAttacks } from "./attacks/requests.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const LONG = 600_000;

const attackRun = await openAttackRun();
const { targets, attempts, outbound, log, addresses } = attackRun;
afterAll(() => attackRun.close());

/** All endpoints but those that get every token. */
const others = [...attackRun.procedures, ...attackRun.forms, ...attackRun.middlewares];
const outcomes: Outcome[] = [];

const possible = new Map<Endpoint["expects"], readonly Attempt[]>();

/** The tokens that an endpoint can take. Every middleware can take the same. */
function possibleAt({ expects }: Endpoint): readonly Attempt[] {
  const known = possible.get(expects) ?? attempts.filter((attempt) => expects(attempt) !== undefined);
  possible.set(expects, known);
  return known;
}

async function expectVerdicts(endpoint: Endpoint, tried: readonly Attempt[]): Promise<void> {
  const found = await presentAll(targets, endpoint, tried);
  outcomes.push(...found);
  expect(surprises(found)).toEqual([]);
}

/**
 * A local verifier gets every token, and `verifyToken` one of every name and algorithm. The other endpoints lead to one of
 * these two; 9,400 tokens at each take more than a minute. So each gets one token of every row and algorithm, and one of every
 * sixth name: `npm run attacks` presents all.
 */
describe("every token of the list of attacks", () => {
  test("gets the expected verdict by a local verifier", () => expectVerdicts(verifierEndpoint, attempts), LONG);

  test(
    "gets the expected verdict by verifyToken",
    () => expectVerdicts(verifyTokenEndpoint, oneOfEachName(attempts)),
    LONG,
  );

  for (const [turn, endpoint] of others.entries())
    test(
      `gets the expected verdict at ${endpoint.name}`,
      () => expectVerdicts(endpoint, representatives(possibleAt(endpoint), turn)),
      LONG,
    );

  test("is refused in the same words by one endpoint, whatever its content and row (row 51)", () => {
    const said = new Map<string, Set<string>>();
    for (const { endpoint, attempt, answer } of outcomes) {
      // Paths of middleware contain the algorithm and the audience. The refusal of an input describes it.
      if (["accepted", "active", "invalid_request"].includes(answer.verdict)) continue;
      note(said, `${endpoint} ${attempt.alg} ${answer.verdict}`, answer.said.replace(/"path":"[0-9a-f]+"/, ""));
    }
    expect([...said].filter(([, words]) => words.size > 1)).toEqual([]);
  });

  test("never appears in the header of an answer or in a refusal of bad input", () => {
    const heads = new Map<string, Set<string>>();
    for (const { endpoint, answer } of outcomes) note(heads, endpoint, answer.head);
    // One for each kind of refusal, and one for success; in a batch, the last one counts.
    for (const [endpoint, fields] of heads) expect(fields.size, endpoint).toBeLessThan(6);
    const badInputs = outcomes.filter(({ answer }) => answer.verdict === "invalid_request");
    const isForm = ({ endpoint }: Outcome) => attackRun.forms.some(({ name }) => name === endpoint);
    const refusals = (among: readonly Outcome[]) =>
      new Set(among.map(({ endpoint, answer }) => `${endpoint} ${answer.said}`)).size;
    expect(refusals(badInputs.filter((outcome) => !isForm(outcome)))).toBeLessThan(30);
    // A form lacks the token or has it.
    expect(refusals(badInputs.filter(isForm))).toBeLessThanOrEqual(attackRun.forms.length);
  });
});

function note(sets: Map<string, Set<string>>, key: string, value: string): void {
  sets.set(key, (sets.get(key) ?? new Set()).add(value));
}

describe("tokens in the wrong place", () => requestAttacks(attackRun));
describe("tokens in time", () => lifecycleAttacks(attackRun));
describe("requests for tokens", () => issueAttacks(attackRun));
describe("memory", () => memoryAttacks(attackRun));

describe("a service under attack", () => {
  test("opens no connection, whatever a token contains", () => {
    expect(outbound.targets()).toEqual(addresses);
    expect(outbound.count().arrivals).toBe(0);
  });

  test("answers no 5xx, has no failure, and logs no part of a token", () => {
    expect(log.lines.length).toBeGreaterThan(400);
    expect(faultsIn(log.lines)).toEqual([]);
  });
});

describe("the list of attacks", () => {
  const rows = Array.from({ length: 51 }, (_, index) => index + 1);

  test("has a test at the endpoints or elsewhere for every row", () => {
    const tried = new Set(attempts.map(({ row }) => row));
    const accounted = [...tried, ...OWN_TESTS, ...Object.keys(ELSEWHERE).map(Number)];
    expect(accounted.sort((a, b) => a - b)).toEqual(rows);
    for (const { file, test } of Object.values(ELSEWHERE)) {
      const path = join(ROOT, file);
      expect(existsSync(path) && readFileSync(path, "utf8").includes(test), `${file}: ${test}`).toBe(true);
    }
  });

  test("is tried at every endpoint, by row and algorithm", () => {
    const kindOf = ({ row, alg }: Attempt) => `row ${row} ${alg}`;
    for (const endpoint of [verifyTokenEndpoint, verifierEndpoint, ...others]) {
      const tried = outcomes
        .filter((outcome) => outcome.endpoint === endpoint.name)
        .map(({ attempt }) => kindOf(attempt));
      expect(new Set(tried), endpoint.name).toEqual(new Set(possibleAt(endpoint).map(kindOf)));
    }
  });
});
