import { isTokenError } from "../../src/client/client.ts";
import { OAuthRefusal } from "./oauth-client.ts";

/** An answer, a refusal, or `lost`: nobody knows whether it was done. */
export type Outcome<Answer> = { answer: Answer } | { refused: string } | "lost";

/** In milliseconds. A running service answers within 2 s; a stopped one never does. */
const TIMEOUT_MS = 6000;

export async function attempt<Answer>(send: (signal: AbortSignal) => Promise<Answer>): Promise<Outcome<Answer>> {
  try {
    return { answer: await send(AbortSignal.timeout(TIMEOUT_MS)) };
  } catch (error) {
    const { status, reason } = refusalOf(error) ?? { status: 500, reason: "" };
    // A 5xx may have been done all the same: the answer of the database was lost.
    return status < 500 ? { refused: reason } : "lost";
  }
}

function refusalOf(error: unknown): { status: number; reason: string } | undefined {
  if (error instanceof OAuthRefusal) return error;
  return isTokenError(error) ? { status: error.data.httpStatus, reason: error.data.reason } : undefined;
}

export function isAnswer<Answer>(outcome: Outcome<Answer>): outcome is { answer: Answer } {
  return outcome !== "lost" && "answer" in outcome;
}

export function isRefusal<Answer>(outcome: Outcome<Answer>): outcome is { refused: string } {
  return outcome !== "lost" && "refused" in outcome;
}
