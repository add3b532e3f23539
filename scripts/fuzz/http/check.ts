import { catalogue } from "../../../src/errors.ts";
import { type Outcome, Violation } from "../target.ts";
import type { Answer } from "./answers.ts";
import type { Filled, Pool } from "./pool.ts";

/** As many characters of a secret on end are no chance. */
const PIECE = 16;

const TOKEN = /[\w-]+\.[\w-]+\.[\w-]+/g;

/** Checks an answer to a request, and gives what it was for the table. Throws a {@link Violation}. */
export function checkAnswer(answer: Answer, request: Filled, pool: Pool): Outcome {
  const { status, headers, body } = answer;
  if (status >= 500) throw new Violation(`was answered ${status}`);
  if (!headers.has("x-content-type-options")) return { what: `${status} by Node`, isParsed: false };
  const [, target = ""] = /^\s*[A-Z]+ (\S+) HTTP\/1\.[01]\r\n/.exec(request.plain.toString("latin1")) ?? [];
  const text = body.toString();
  expectNoEcho(answer, request.secrets);
  if (!target.startsWith("/trpc/")) return { what: `${status} ${documentOf(target)}`, isParsed: true };
  if (headers.get("cache-control")?.startsWith("no-") !== true) throw new Violation("may be kept by a cache");
  if (body.length === 0) return { what: `${status} /trpc/`, isParsed: true };
  if (headers.get("content-type") === "text/event-stream") return { what: `${status} events`, isParsed: true };
  const said = readEnvelopes(text, status);
  for (const { data } of said) if (data !== undefined) checkData(data, request, pool);
  const reasons = [...new Set(said.map(({ reason, data }) => (data === undefined ? reason : "answered")))].sort();
  return { what: `${status} ${reasons.join(" and ")}`, isParsed: true };
}

/** The path, where it is one that is served. */
function documentOf(target: string): string {
  const [path = ""] = target.split("?", 1);
  return /^\/(?:|start\.js|healthz|readyz|openapi\.json|docs\/?|docs\/[\w-]+\.\w+|\.well-known\/jwks\.json)$/.test(path)
    ? path
    : "elsewhere";
}

type Said = { reason?: string; data?: unknown };

/** Reads an answer in tRPC's envelope: one, a list, or one a line. */
function readEnvelopes(text: string, status: number): Said[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    if (!text.trim().split("\n").every(isJson)) throw new Violation(`is no JSON, with ${status}`);
    return [{ reason: "lines of JSON" }];
  }
  return [parsed].flat().map(readEnvelope);
}

function readEnvelope(envelope: unknown): Said {
  const { result, error } = (envelope ?? {}) as {
    result?: { data?: unknown };
    error?: { message?: unknown; data?: Record<string, unknown> };
  };
  // A stream of lines may have one line.
  if (result === undefined && error === undefined && JSON.stringify(envelope).startsWith('{"0":'))
    return { reason: "lines of JSON" };
  if ((result === undefined) === (error === undefined)) throw new Violation("is not in tRPC's envelope");
  if (error === undefined) return { data: result?.data ?? null };
  const reason = String(error.data?.reason);
  if (!(reason in catalogue)) throw new Violation(`gives a reason that is not in the catalogue: ${reason}`);
  const known = catalogue[reason as keyof typeof catalogue];
  // tRPC has a code of its own for JSON that cannot be parsed.
  if (error.data?.code !== known.code && error.data?.code !== "PARSE_ERROR")
    throw new Violation(`gives ${reason} with another code`);
  if (!String(error.message).startsWith(known.message)) throw new Violation(`gives ${reason} in other words`);
  if (reason === "internal_error") throw new Violation("is an internal error");
  return { reason };
}

function isJson(line: string): boolean {
  try {
    return line === "" || JSON.parse(line) !== undefined;
  } catch {
    return false;
  }
}

/** Takes note of what was issued, and expects claims only of a token that may be accepted. */
function checkData(data: unknown, { plain }: Filled, pool: Pool): void {
  if (typeof data !== "object" || data === null) return;
  const { token, jti, iss, active } = data as Record<string, unknown>;
  if (typeof token === "string") pool.note(token);
  if (active === false || jti === undefined || iss === undefined) return;
  const sent = plain.toString("latin1");
  const unescaped = sent.replace(/\\u00([0-7][0-9a-f])/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const candidates = [...sent.matchAll(TOKEN), ...unescaped.matchAll(TOKEN)].map(([text]) => text);
  const isOfIt = (text: string) => Buffer.from(text.split(".")[1] ?? "", "base64url").includes(JSON.stringify(jti));
  if (!candidates.some((text) => isOfIt(text) && pool.isGood(text)))
    throw new Violation("accepts what the service did not sign");
}

/** A refusal, and any header field, has nothing in it of the tokens and secrets that were sent. */
function expectNoEcho({ status, headers, body }: Answer, secrets: readonly string[]): void {
  const isRefusal = status >= 400 || body.includes('"error"');
  const text = [...headers.values(), isRefusal ? body.toString() : ""].join("\n");
  for (const secret of secrets) {
    for (let at = 0; at + PIECE <= secret.length; at += PIECE) {
      if (text.includes(secret.slice(at, at + PIECE))) throw new Violation("echoes a token or a secret");
    }
  }
}
