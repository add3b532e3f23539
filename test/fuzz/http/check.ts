import { decodeJwt } from "jose";
import { catalogue } from "../../../src/errors.ts";
import { type Outcome, parseJson, Violation } from "../target.ts";
import type { Answer } from "./answers.ts";
import { checkPageAnswer, PAGES } from "./check-pages.ts";
import type { Filled, Pool } from "./pool.ts";

/** Consecutive characters of a secret that cannot be chance. */
const PIECE = 16;

const TOKEN = /[\w-]+\.[\w-]+\.[\w-]+/g;

/** Checks an answer, and returns its outcome for the table. Throws a {@link Violation}. */
export function checkAnswer(answer: Answer, request: Filled, pool: Pool): Outcome {
  const { status, headers, body } = answer;
  if (status >= 500) throw new Violation(`was answered ${status}`);
  if (!headers.has("x-content-type-options")) return { what: `${status} by Node`, isParsed: false };
  // Node reads a line without a version as HTTP/0.9. An absolute URL is equal to its path.
  const [, target = ""] =
    /^\s*[A-Z]+ (?:https?:\/\/[^/?#\s]*)?(\S+)(?: HTTP\/1\.[01])?\r\n/.exec(request.plain.toString("latin1")) ?? [];
  // An answer for a client has what it sent, such as its state.
  if (PAGES.test(target)) return checkPageAnswer(answer, documentOf(target));
  expectNoEcho([...headers.values()].join("\n"), request.secrets);
  if (status === 400 && headers.get("connection") === "close") return { what: "400 and goodbye", isParsed: false };
  if (/^\/oauth\/userinfo(?:\?|$)/.test(target)) return checkUserInfo(answer, request, pool);
  if (target.startsWith("/oauth/")) return checkOAuthAnswer(answer, request, pool);
  if (!target.startsWith("/trpc/")) expectNoEcho(body.toString("latin1"), request.secrets);
  if (!target.startsWith("/trpc/")) return { what: `${status} ${documentOf(target)}`, isParsed: true };
  if (headers.get("cache-control")?.startsWith("no-") !== true) throw new Violation("may be kept by a cache");
  if (body.length === 0) return { what: `${status} /trpc/`, isParsed: true };
  if (headers.get("content-type") === "text/event-stream") return { what: `${status} events`, isParsed: true };
  const said = readEnvelopes(body.toString(), request);
  for (const { data, refusal } of said) {
    if (data !== undefined) checkData(data, request, pool);
    expectNoEcho(refusal ?? "", request.secrets);
  }
  const reasons = [...new Set(said.map(({ reason, data }) => (data === undefined ? reason : "answered")))].sort();
  return { what: `${status} ${reasons.join(" and ")}`, isParsed: true };
}

/** Checks an answer of an OAuth endpoint, or of a path beside them. */
function checkOAuthAnswer({ status, headers, body }: Answer, request: Filled, pool: Pool): Outcome {
  const text = body.toString();
  const type = headers.get("content-type");
  if (status >= 400) expectNoEcho(text, request.secrets);
  const isAnswer = headers.get("pragma") === "no-cache";
  if (!isAnswer) return { what: `${status} below /oauth/`, isParsed: true };
  if (headers.get("cache-control") !== "no-store") throw new Violation("may be kept by a cache");
  if (status === 303) return { what: "303 to another page", isParsed: true };
  if (body.length === 0) return { what: `${status} revoked`, isParsed: true };
  if (type === "text/html; charset=utf-8") return { what: `${status} page`, isParsed: true };
  if (type === "application/token-introspection+jwt") {
    const { token_introspection } = decodeJwt(text);
    checkData(token_introspection, request, pool);
    return { what: `${status} introspected, signed`, isParsed: true };
  }
  const said = parseJson(text) as OAuthAnswer | undefined;
  if (type !== "application/json" || said === undefined) throw new Violation("is no JSON");
  const { error, error_reason: reason = "", error_description: description = "", access_token: token } = said;
  if (error !== undefined) {
    if (!(reason in catalogue)) throw new Violation(`gives a reason that is not in the catalogue: ${reason}`);
    if (!/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/.test(description))
      throw new Violation("describes an error in other characters");
    if (status < 400) throw new Violation("has an error and success");
    return { what: `${status} ${error}`, isParsed: true };
  }
  checkData({ ...said, token }, request, pool);
  return { what: `${status} ${token === undefined ? "introspected" : "issued"}`, isParsed: true };
}

/** Claims of a person are for the bearer of a token of theirs alone. */
function checkUserInfo({ status, body }: Answer, { plain }: Filled, pool: Pool): Outcome {
  const said = parseJson(body) as { sub?: string } | undefined;
  if (status < 400 && said?.sub !== undefined) {
    const tokens = [...plain.toString("latin1").matchAll(TOKEN)].map(([token]) => token);
    if (!tokens.some(pool.isGood)) throw new Violation("has claims of a person without a token of theirs");
  }
  return { what: `${status} userinfo`, isParsed: true };
}

type OAuthAnswer = { error?: string; error_reason?: string; error_description?: string; access_token?: string };

/** The path, if it is served. */
function documentOf(target: string): string {
  const [path = ""] = target.split("?", 1);
  return /^\/(?:|start\.js|healthz|readyz|openapi\.json|docs\/?|docs\/[\w-]+\.\w+|\.well-known\/[\w.-]+|oauth\/\w+|device)$/.test(
    path,
  )
    ? path
    : "elsewhere";
}

/** A refusal and its reason, or data. */
type Said = { reason?: string; refusal?: string; data?: unknown };

/** Reads tRPC envelopes: one, a list, or JSON lines if requested. */
function readEnvelopes(text: string, request: Filled): Said[] {
  const parsed = parseJson(text);
  if (parsed !== undefined && !isStreamed(parsed)) return [parsed].flat().map(readEnvelope);
  const lines = text.trim().split("\n").map(parseJson);
  if (lines.includes(undefined) || !/^(?:trpc-)?accept:.*jsonl/im.test(request.plain.toString("latin1")))
    throw new Violation("is no JSON");
  return lines.flatMap(partsOf).map(readPart);
}

/** Whether a value is the head of a stream of JSON lines. */
function isStreamed(value: unknown): boolean {
  return JSON.stringify(value).startsWith('{"0":');
}

function partsOf(value: unknown): object[] {
  if (typeof value !== "object" || value === null) return [];
  return [value, ...Object.values(value).flatMap(partsOf)];
}

function readPart(part: object): Said {
  return "error" in part && !Array.isArray(part) ? readEnvelope(part) : { data: part };
}

function readEnvelope(envelope: unknown): Said {
  const { result, error } = (envelope ?? {}) as { result?: { data?: unknown }; error?: Refusal };
  if ((result === undefined) === (error === undefined)) throw new Violation("is not in tRPC's envelope");
  return error === undefined
    ? { data: result?.data ?? null }
    : { reason: readRefusal(error), refusal: JSON.stringify(error) };
}

type Refusal = { message?: unknown; data?: Record<string, unknown> };

/** The reason of a refusal, which must be in the catalogue, with its words, and no 5xx. */
function readRefusal({ message, data }: Refusal): string {
  const reason = String(data?.reason);
  if (!(reason in catalogue)) throw new Violation(`gives a reason that is not in the catalogue: ${reason}`);
  const known = catalogue[reason as keyof typeof catalogue];
  if (data?.httpStatus !== known.status) throw new Violation(`gives ${reason} with another status`);
  if (!String(message).startsWith(known.message)) throw new Violation(`gives ${reason} in other words`);
  if (Number(data?.httpStatus) >= 500) throw new Violation(`is refused with ${reason}`);
  return reason;
}

/** Records issued tokens, and accepts claims only of a token that may be accepted. */
function checkData(data: unknown, { plain }: Filled, pool: Pool): void {
  if (typeof data !== "object" || data === null) return;
  const { token, jti, iss, active } = data as Record<string, unknown>;
  if (typeof token === "string") pool.note(token);
  if (active === false || jti === undefined || iss === undefined) return;
  const sent = plain.toString("latin1");
  const unescaped = sent.replace(/\\u00([0-7][0-9a-f])/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const inForm = sent.replace(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const candidates = [sent, unescaped, inForm].flatMap((text) => [...text.matchAll(TOKEN)].map(([token]) => token));
  const isOfIt = (text: string) => Buffer.from(text.split(".")[1] ?? "", "base64url").includes(JSON.stringify(jti));
  if (!candidates.some((text) => isOfIt(text) && pool.isGood(text)))
    throw new Violation("accepts what the service did not sign");
}

/** Refusals and header fields contain no part of the tokens and secrets that were sent. */
function expectNoEcho(said: string, secrets: readonly string[]): void {
  for (const secret of secrets) {
    for (let at = 0; at + PIECE <= secret.length; at += PIECE) {
      if (said.includes(secret.slice(at, at + PIECE))) throw new Violation("echoes a token or a secret");
    }
  }
}
