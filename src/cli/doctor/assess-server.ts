import { z } from "zod";
import { type Finding, failure, ok, splitSentence, warning } from "./finding.ts";

/** An HTTP response with at most 64 KiB of body, or why there is none, in one sentence. */
export type Answer =
  | { status: number; body: string; date: number | undefined; fault?: undefined }
  | { fault: string; isRefused: boolean };

/** Bounded: another program may answer, and findings quote it. */
const word = z.string().max(40);
const readiness = z.object({
  checks: z.record(word, word).refine((checks) => Object.keys(checks).length <= 20),
  failing: z.array(word).max(20).optional(),
});

type Cause = readonly [message: string, remedy: string];
const LOG = "read its log";

/** By check and state of `/readyz`. */
const CAUSES: Record<string, Cause | undefined> = {
  "store unavailable": ["it cannot read its database", `check that the database runs; ${LOG}`],
  "store not_writable": ["it cannot write its database", "free space on its disk, and check that it is not read-only"],
  "store replaced": ["its database files were moved or replaced", "put them back, or restart the server"],
  "store damaged": ["its database is damaged", "restore a backup, and restart the server"],
  "keys unavailable": ["it has no key that signs", "restart it with the MINTMARK_KEK that the keys are encrypted with"],
  "rotation failing": ["it cannot make the next key", `${LOG} for rotate_keys`],
  "trust stale": ["its revocation data is stale", "check that the database answers"],
  "clock behind": ["its clock is behind that of the database", "synchronise the clocks of both by NTP"],
  "server draining": ["it is about to stop", "start it again unless it is stopped on purpose"],
};

/** Assesses the response to `GET /readyz`. `isExpected`: whether a server should run there. */
export function assessServer(url: string, answer: Answer, isExpected: boolean): Finding {
  if (answer.fault !== undefined) {
    if (answer.isRefused && !isExpected) return warning("server", `No server runs at ${url}`, "start it by  mintmark");
    return failure("server", ...splitSentence(answer.fault, "check the URL, and that the server runs"));
  }
  const { data } = readiness.safeParse(parse(answer.body));
  if (data === undefined) {
    if (answer.status === 503)
      return failure("server", `The server at ${url} is starting, or its proxy cannot reach it`, "retry shortly");
    return failure(
      "server",
      `What answers at ${url} is not Mintmark (status ${answer.status})`,
      "check HOST and PORT, or --url",
    );
  }
  const causes = Object.entries(data.checks)
    .filter(([, state]) => state !== "ok")
    .map(([check, state]) => CAUSES[`${check} ${state}`] ?? ([`${check} is ${state}`, LOG] as const));
  if (causes.length > 0)
    return failure(
      "server",
      `The server at ${url} is not ready: ${causes.map(([message]) => message).join("; ")}`,
      causes.map(([, remedy]) => remedy).join("; "),
    );
  const { failing = [] } = data;
  if (failing.length > 0) return warning("server", `The last run failed of ${failing.join(", ")} at ${url}`, LOG);
  if (!isExpected)
    return warning(
      "server",
      `A server at ${url} is ready, and there is no data here, so it uses other data`,
      "set MINTMARK_DATA or DATABASE_URL as in the server's environment",
    );
  return ok("server", `The server at ${url} is ready`);
}

const jwkSet = z.object({ keys: z.array(z.object({ kid: z.string() })) });

export type IssuerEvidence = {
  issuer: string;
  answer: Answer;
  /** The `kid`s that the data publishes, and the one that signs. Empty with a shared secret. */
  kids: readonly string[];
  signing: string | undefined;
};

/** Assesses the JWK Set at the issuer, which verifiers fetch. */
export function assessIssuer({ issuer, answer, kids, signing }: IssuerEvidence): Finding {
  const check = "let the proxy at the issuer forward to this service, and check MINTMARK_ISSUER";
  if (answer.fault !== undefined)
    return failure("issuer", ...splitSentence(answer.fault, "check DNS, TLS and the proxy at the issuer"));
  const { status } = answer;
  if (status >= 300 && status < 400)
    return failure(
      "issuer",
      `${issuer} answers with a redirect (${status}), which verifiers do not follow`,
      "set MINTMARK_ISSUER to the URL itself, or let the proxy serve it without a redirect",
    );
  if (status !== 200) return failure("issuer", `${issuer} answers ${status} and no JWK Set`, check);
  const { data } = jwkSet.safeParse(parse(answer.body));
  if (data === undefined) return failure("issuer", `${issuer} serves no JWK Set`, check);
  const published = new Set(data.keys.map(({ kid }) => kid));
  const unknown = [...published].filter((kid) => !kids.includes(kid));
  const isOther = kids.length === 0 ? unknown.length > 0 : !kids.some((kid) => published.has(kid));
  if (isOther) return failure("issuer", `Another service answers at the issuer ${issuer}: its keys are others`, check);
  if (signing !== undefined && !published.has(signing))
    return failure(
      "issuer",
      `The JWK Set at ${issuer} lacks the key that signs, so tokens are rejected`,
      "let no cache in front serve it for more than its max-age of 600 s",
    );
  if (unknown.length > 0 || published.size < kids.length)
    return warning(
      "issuer",
      `The JWK Set at ${issuer} is not the latest one`,
      "let no cache in front serve it for more than its max-age of 600 s",
    );
  return ok(
    "issuer",
    `${issuer} serves ${kids.length === 0 ? "no keys, as with a shared secret" : "the keys of this data"}`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
