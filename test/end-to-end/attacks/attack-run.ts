import { captureLog } from "../../support/log.ts";
import { countConnections } from "../../support/outbound.ts";
import { ISSUER } from "../../support/service.ts";
import { type Attempt, forgeAttempts } from "./attempts.ts";
import { gatewayEndpoint, middlewareEndpoint } from "./bearer-endpoints.ts";
import * as endpoints from "./endpoints.ts";
import * as forms from "./form-endpoints.ts";
import { FRAMEWORKS, type Mounts } from "./frameworks.ts";
import { openTargets, type Target, type Targets } from "./targets.ts";

export type AttackRun = Awaited<ReturnType<typeof openAttackRun>>;

/** Opens a service of every algorithm with all its endpoints, and forges the tokens to present there. */
export async function openAttackRun() {
  const outbound = await countConnections();
  const log = captureLog();
  const targets = await openTargets(log.logger);
  const [first] = targets.byAlg.values();
  if (first === undefined) throw new Error("there is no service");
  const attempts = await forgeAttempts(targets, { service: first.service, lure: outbound.url });
  const audiences = new Set(attempts.map(({ audience = ISSUER }) => audience));
  const apps = await openApps(mountsFor(targets, audiences));
  const urls = [...targets.byAlg.values(), ...apps].map(({ url }) => url);
  return {
    targets,
    attempts,
    outbound,
    log,
    /** The only addresses that connections may go to. */
    addresses: urls.map((url) => new URL(url).host).sort(),
    procedures: [endpoints.introspectTokenEndpoint, endpoints.revokeTokenEndpoint, endpoints.refreshTokenEndpoint],
    forms: [forms.introspectEndpoint, forms.revokeEndpoint, forms.refreshEndpoint, forms.assertionEndpoint],
    middlewares: [
      ...apps.map(({ name, url }) =>
        middlewareEndpoint(name, (alg, audience = ISSUER) => `${url}/${nameOf(alg, audience)}`),
      ),
      gatewayEndpoint((alg, audience = ISSUER) => {
        return `${targets.byAlg.get(alg)?.url}/verify?audience=${encodeURIComponent(audience)}`;
      }),
    ],
    /** The servers behind middleware, each with a URL that ES256 tokens open. */
    protectedUrls: apps.map(({ name, url }) => ({ name, url: `${url}/${nameOf("ES256", ISSUER)}` })),
    async close() {
      await Promise.all(apps.map(({ close }) => close()));
      await targets.close();
      await outbound[Symbol.asyncDispose]();
    },
  };
}

const nameOf = (alg: string, audience: string) => Buffer.from(`${alg} ${audience}`).toString("hex");

/** One path for each service and audience. */
function mountsFor({ byAlg }: Targets, audiences: ReadonlySet<string>): Mounts {
  return new Map(
    [...byAlg].flatMap(([alg, target]) =>
      [...audiences].map((audience) => [nameOf(alg, audience), { verify: verifyFor(target, audience) }]),
    ),
  );
}

/** With a shared secret, only the process of the service can verify. */
function verifyFor({ by, service, verifier }: Target, audience: string) {
  if (by.alg === "HS256") return (token: unknown) => service.verifyToken({ token: String(token), audience });
  return (token: unknown, expected = {}) => verifier.verify(token, { ...expected, audience });
}

function openApps(mounts: Mounts) {
  return Promise.all(Object.entries(FRAMEWORKS).map(async ([name, open]) => ({ name, ...(await open(mounts)) })));
}

/** The answer of an endpoint beside the expected verdict. */
export type Outcome = { endpoint: string; attempt: Attempt; expected: string; answer: endpoints.Answer };

/** Presents every token that an endpoint can take. */
export async function presentAll(
  { byAlg }: Targets,
  endpoint: endpoints.Endpoint,
  attempts: readonly Attempt[],
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  // One service after the other: on a slow machine, all at once would wait longer than a request may take.
  for (const [alg, target] of byAlg) {
    const own = attempts.filter((attempt) => attempt.alg === alg && endpoint.expects(attempt) !== undefined);
    const answers = await endpoint.present(target, own);
    for (const [at, attempt] of own.entries()) {
      const answer = answers[at] ?? { verdict: "no answer", said: "", head: "" };
      outcomes.push({ endpoint: endpoint.name, attempt, expected: endpoint.expects(attempt) ?? "", answer });
    }
  }
  return outcomes;
}

/** The outcomes with a wrong verdict, in words. */
export function surprises(outcomes: readonly Outcome[]): string[] {
  return outcomes
    .filter(({ expected, answer }) => answer.verdict !== expected)
    .map(({ endpoint, attempt: { row, alg, name, variety }, expected, answer }) =>
      `${endpoint}, row ${row} (${alg}): ${answer.verdict} in place of ${expected} for ${name} ${variety}`.trim(),
    );
}

/** The lines of a log that tell of a failure, or that contain a part of a token. */
export function faultsIn(lines: readonly string[]): string[] {
  return lines.filter((line) => {
    const { msg, status } = JSON.parse(line);
    return msg !== "request" || status >= 500 || line.includes("eyJ");
  });
}
