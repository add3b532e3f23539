import type { InputSource } from "./inputs.ts";

const PRINTABLE = /^[!-"$-~]*$/;
const HOW = "send the input as JSON, URL-encoded in `input`, or by POST as the body";

/** Parameters by what they are called, and what they are. */
const CALL_PARAMETERS = new Map([
  ["input", "input"],
  ["batch", "batch"],
]);
const SUBSCRIPTION_PARAMETERS = new Map([
  ...CALL_PARAMETERS,
  // What tRPC's link for subscriptions sends, where it was given any. Nothing here reads them.
  ["connectionParams", "connectionParams"],
  ["lastEventId", "lastEventId"],
  ["Last-Event-Id", "lastEventId"],
]);

/** Counts the calls of a batch as tRPC will: it decodes the path before it splits it, so `%2C` separates too. */
export function countCalls(path: string): number {
  return /[,%]/.test(path) ? path.split(/,|%2c/i).length : 1;
}

/**
 * Says what is wrong with the query of a call, or `undefined`. A parameter that would be ignored is refused, since
 * the input that was meant would be ignored with it; of two equal ones, a proxy may have read the other.
 */
export function queryError({ request, isSubscription = false }: InputSource): string | undefined {
  const { url = "", method } = request;
  const mark = url.indexOf("?");
  const query = mark < 0 ? "" : url.slice(mark + 1);
  if (method === "GET" && hasBody(request)) return `has a body in a GET: ${HOW}`;
  if (query === "" || query === "batch=1") return undefined;
  if (!PRINTABLE.test(query)) return "has a query that is not URL-encoded";
  const known = isSubscription ? SUBSCRIPTION_PARAMETERS : CALL_PARAMETERS;
  const seen = new Set<string>();
  for (const parameter of query.split("&")) {
    if (parameter === "") continue;
    const [name, value] = parameter.split(/=(.*)/s).map(decoded);
    if (name === undefined || (value === undefined && parameter.includes("="))) return "has a query that is not UTF-8";
    const meaning = known.get(name);
    if (meaning === undefined) return `has an unknown query parameter: ${HOW}`;
    if (seen.has(meaning)) return `has the query parameter ${meaning} twice`;
    if (meaning === "batch" && value !== "1") return "has a batch other than batch=1";
    if (meaning === "input" && method === "POST") return "has an input in the URL of a POST: send it as the body";
    if (meaning === "input" && !value) return `has an empty input in its query: leave it out, or ${HOW}`;
    seen.add(meaning);
  }
  return undefined;
}

/** RFC 9110 §9.3.1 gives a body of a GET no meaning; whoever sends one means it as the input. */
function hasBody({ headers }: InputSource["request"]): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** Percent-decoded, or `undefined` where that gives no UTF-8: a replacement character would make different bytes one. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}
