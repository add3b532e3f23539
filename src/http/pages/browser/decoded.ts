/** What a token says of itself, without any verification. */
export type Decoded = {
  /** The parts between the dots, as received. */
  parts: readonly string[];
  header?: Readonly<Record<string, unknown>>;
  claims?: Readonly<Record<string, unknown>>;
};

/** Decodes a token of any kind. Absent members are no JSON objects in base64url. */
export function decode(token: string): Decoded {
  const parts = token.split(".");
  const [header, claims] = parts.slice(0, 2).map(objectIn);
  return { parts, ...(header && { header }), ...(claims && { claims }) };
}

function objectIn(part: string): Record<string, unknown> | undefined {
  try {
    const bytes = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
    const text = new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes, (one) => one.charCodeAt(0)));
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** A claim that is a number, such as a time. */
export function numberIn(claims: Decoded["claims"], name: string): number | undefined {
  const value = claims?.[name];
  return typeof value === "number" ? value : undefined;
}

/** The token with one letter changed: the middle one, unlike the last one, carries no unused bits. */
export function alter(token: string): { token: string; at: number } {
  const middle = token.length >> 1;
  const at = token[middle] === "." ? middle + 1 : middle;
  return { at, token: token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1) };
}

/** A pasted text as a token: people copy the scheme of the header, too. */
export function pasted(text: string): string {
  return text.trim().replace(/^(?:authorization:\s*)?bearer\s+/i, "");
}
