import { type Decoded, numberIn } from "./decoded.ts";

export type Known = {
  issuer: string;
  /** The `kid`s of the public keys; empty if unknown, or with a shared secret. */
  kids: readonly string[];
  /** Seconds. */
  now: number;
};

/**
 * What can be read in a refused token that explains the refusal. The service gives a forger no detail; this page adds what
 * anyone can see in the token and in the JWK Set.
 */
export function hintsFor({ parts, header, claims }: Decoded, { issuer, kids, now }: Known): string[] {
  const found: (string | false)[] = [];
  if (parts.length !== 3) {
    if (parts.length === 1) return ["It has no dots: a refresh token or another secret, not a JWT."];
    if (parts.length === 5)
      return ["It has five parts: an encrypted token (JWE). Mintmark signs and does not encrypt."];
    return [`It has ${parts.length} parts. A signed token has three, separated by dots.`];
  }
  if (header === undefined) found.push("Its header is no JSON in base64url: a character was changed or lost.");
  if (claims === undefined) found.push("Its claims are no JSON in base64url: a character was changed or lost.");
  if (header !== undefined) found.push(...headerHints(header, kids));
  const { iss } = claims ?? {};
  if (claims !== undefined && iss !== issuer)
    found.push(`\`iss\` is \`${show(iss)}\`, and this issuer is \`${issuer}\`.`);
  const exp = numberIn(claims, "exp");
  if (exp !== undefined && exp <= now) found.push(`It expired ${duration(now - exp)} ago.`);
  const nbf = Math.max(numberIn(claims, "nbf") ?? 0, numberIn(claims, "iat") ?? 0);
  if (nbf > now) found.push(`It is valid in ${duration(nbf - now)}, or a clock is wrong.`);
  return found.filter((hint) => hint !== false);
}

function headerHints({ alg, kid, typ }: Readonly<Record<string, unknown>>, kids: readonly string[]): string[] {
  const hints: string[] = [];
  if (String(alg).toLowerCase() === "none") hints.push("It is not signed: `alg` is `none`.");
  if (typeof typ !== "string" || !/^(application\/)?at\+jwt$/i.test(typ))
    hints.push(`\`typ\` is \`${show(typ)}\`. An access token has \`at+jwt\` (RFC 9068).`);
  if (kids.length > 0 && !kids.includes(String(kid)))
    hints.push(`\`kid\` is \`${show(kid)}\`, which is no key of this issuer.`);
  return hints;
}

function show(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "absent");
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function duration(seconds: number): string {
  const units: [number, string][] = [
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
  ];
  const [size, unit] = units.find(([size]) => seconds >= 2 * size) ?? [1, "s"];
  return `${Math.floor(seconds / size)} ${unit}`;
}
