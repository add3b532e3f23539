import type { Reason } from "../../../errors.ts";
import { explanations } from "../../../explanations.ts";
import { type Decoded, decode } from "./decoded.ts";
import { make, withCode } from "./dom.ts";
import type { Answer } from "./service.ts";

const PARTS = ["header", "claims", "signature"] as const;

/** The token in three colours. `marked`: the index of a letter to mark. */
export function colouredToken({ parts }: Decoded, marked = -1): HTMLElement {
  let start = 0;
  const coloured = parts.flatMap((part, at) => {
    const from = start;
    start += part.length + 1;
    const inner = marked >= from && marked < from + part.length ? markedAt(part, marked - from) : [part];
    // Of five parts, as of an encrypted token, two are left without a colour.
    const span = make("span", { class: PARTS[at] }, ...inner);
    return at === 0 ? [span] : [".", span];
  });
  return make("p", { class: "jwt" }, ...coloured);
}

function markedAt(text: string, at: number): (Node | string)[] {
  return [text.slice(0, at), make("mark", {}, text[at] ?? ""), text.slice(at + 1)];
}

/** The token in three colours, and what its parts say. */
export function showToken(place: HTMLElement, token: string): void {
  const decoded = decode(token);
  const { header, claims } = decoded;
  const parts = [part("Header", "header", header), part("Claims", "claims", claims)];
  place.replaceChildren(colouredToken(decoded), make("div", { class: "parts" }, ...parts));
  place.hidden = token === "";
}

function part(title: string, name: string, value: object | undefined): HTMLElement {
  const text = value === undefined ? "not readable" : JSON.stringify(value, null, 2);
  return make("div", { class: "part" }, make("h3", { class: name }, title), make("pre", { class: name }, text));
}

const WORDS: Partial<Record<Reason, string>> = { token_revoked: "revoked", token_expired: "expired" };

/** Reasons that say nothing about the token. */
const UNKNOWN = new Set<string>([
  ...["verifier_stale", "unavailable", "unreachable", "rate_limited"],
  ...["internal_error", "invalid_client", "permission_denied", "invalid_request"],
]);

export type State = "valid" | "refused" | "unknown";

/** Shows whether a token is valid, and where it is not, why and what to do. Returns the state. */
export function showVerdict(place: HTMLElement, { data, error }: Answer<object>, hints: readonly string[] = []): State {
  const state: State = data !== undefined ? "valid" : UNKNOWN.has(error.reason) ? "unknown" : "refused";
  const verdict = make("output", { "data-state": state });
  const line = make("p", { class: "verdict" }, verdict, " ", make("span", { class: "life", "aria-live": "off" }));
  place.replaceChildren(line, ...(error ? explain(error.reason, hints) : []));
  const { reason = "", message = "" } = error ?? {};
  const word = state === "unknown" ? "not known at the moment" : (WORDS[reason as Reason] ?? "refused");
  verdict.textContent = state === "valid" ? "valid" : `${word}: ${message} (${reason})`;
  return state;
}

function explain(reason: Reason | "unreachable", hints: readonly string[]): HTMLElement[] {
  if (reason === "unreachable") return [make("p", { class: "note" }, "Check that the server runs.")];
  const { meaning, remedy } = explanations[reason];
  const list = make("ul", {}, ...hints.map((hint) => make("li", {}, ...withCode(hint))));
  return [
    make("p", { class: "note" }, ...withCode(meaning), " ", make("strong", {}, ...withCode(remedy))),
    ...(hints.length === 0 ? [] : [make("div", { class: "note" }, "What this page reads in it, unverified:", list)]),
  ];
}
