export type Check =
  | "node"
  | "environment"
  | "settings"
  | "folder"
  | "database"
  | "keys"
  | "clock"
  | "server"
  | "issuer"
  | "proxy"
  | "access"
  | "admin"
  | "sign-in";

/** The outcome of a check: one sentence, and what to do unless it is `ok`. Contains no secret. */
export type Finding =
  | { check: Check; state: "ok"; message: string }
  | { check: Check; state: "warn" | "fail"; message: string; remedy: string };

export function ok(check: Check, message: string): Finding {
  return { check, state: "ok", message };
}

export function warning(check: Check, message: string, remedy: string): Finding {
  return { check, state: "warn", message, remedy };
}

export function failure(check: Check, message: string, remedy: string): Finding {
  return { check, state: "fail", message, remedy };
}

/** Splits a message of this program into the fault and the remedy behind its last colon. */
export function splitSentence(sentence: string, otherwise: string): [message: string, remedy: string] {
  const at = sentence.lastIndexOf(": ");
  return at < 0 ? [sentence, otherwise] : [sentence.slice(0, at), sentence.slice(at + 2)];
}
