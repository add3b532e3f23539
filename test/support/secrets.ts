/** A secret verbatim, and in the encodings that programs use. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const encoded = (["base64", "base64url", "hex"] as const).map((encoding) => bytes.toString(encoding));
  const upper = bytes.toString("hex").toUpperCase();
  return [secret, ...encoded, upper, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
}

/** Secrets, and the output that may contain none of them. */
export function createVault() {
  const secrets = new Map<string, string[]>();
  const texts: { where: string; text: string }[] = [];
  return {
    /** Adds a secret; of a key in base64url, also its bytes. */
    keep(name: string, secret: string): string {
      const bytes = Buffer.from(secret, "base64url");
      const isKey = bytes.toString("base64url") === secret;
      const ofBytes = isKey ? [bytes.toString("hex"), bytes.toString("base64")] : [];
      secrets.set(`${name} ${secrets.size}`, [...new Set([...formsOf(secret), ...ofBytes])]);
      return secret;
    },
    add: (where: string, text: string) => void texts.push({ where, text }),
    count: () => texts.length,
    /** The secrets in the output, in any form. */
    leaks(): string[] {
      return texts.flatMap(({ where, text }) =>
        [...secrets]
          .filter(([, forms]) => forms.some((form) => text.includes(form)))
          .map(([name]) => `${name}: ${where}`),
      );
    },
  };
}
