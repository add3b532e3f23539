import fc from "fast-check";
import { createBrowserCookies } from "../../../src/http/sign-in/cookies.ts";
import { anyCharacter } from "../../support/any-character.ts";
import { mutate } from "../mutate.ts";
import { type Outcome, type Target, Violation } from "../target.ts";

const ISSUERS = ["https://id.example", "http://127.0.0.1:3000"];
const NAMES = [
  { session: "__Host-mintmark-session", key: "__Host-mintmark-key" },
  { session: "mintmark-session-3000", key: "mintmark-key-3000" },
] as const;
const VALUE = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

type CookieInput = { header: Buffer; issuer: number };

const names = fc.constantFrom(
  ...NAMES.flatMap((each) => Object.values(each)),
  ...["mintmark-session", "mintmark-session-3001", "__host-mintmark-session", "__proto__", "", "a", "$Version"],
);
const values = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(VALUE, VALUE.replace("d", "e")) },
  fc.constantFrom("", `"${VALUE}"`, `${VALUE}=`, VALUE.slice(1), `${VALUE}x`, ` ${VALUE}`, `${VALUE},a=b`, "\xff"),
  fc.string({ unit: anyCharacter, maxLength: 50 }),
);
const pairs = fc.tuple(names, fc.constantFrom("=", "=", "=", " = ", "", "=="), values).map((parts) => parts.join(""));
const headers = fc
  .tuple(fc.array(pairs, { maxLength: 6 }), fc.constantFrom("; ", ";", " ;; ", ", "))
  .map(([all, separator]) => all.join(separator));

/** The reader of cookies: a value counts only where its name is sent once and it is one that this server sets. */
export const cookiesTarget: Target<CookieInput> = {
  structured: fc.record({ header: headers.map((text) => Buffer.from(text, "latin1")), issuer: fc.nat(1) }),

  mutate: ({ header, issuer }, random, other) => ({ header: mutate(header, random, other.header), issuer }),

  examine({ header, issuer }): Outcome {
    const cookies = createBrowserCookies(ISSUERS[issuer] ?? "");
    const known = NAMES[issuer];
    if (cookies === undefined || known === undefined) throw new Violation("has no cookies for its issuer");
    const text = header.toString("latin1");
    const read = cookies.read(text);
    for (const word of ["session", "key"] as const)
      if (read[word] !== sentOnce(text, known[word])) throw new Violation(`is read as another ${word}`);
    const stripped = cookies.strip(text);
    if (Object.values(known).some((name) => valuesOf(stripped, name).length > 0))
      throw new Violation("is passed on to a sign-in hook with a cookie of this server");
    const found = Object.entries(read).flatMap(([word, value]) => (value === undefined ? [] : word));
    return { what: found.join(" and ") || "nothing", isParsed: found.length > 0 };
  },
};

/** The values of a cookie. Space and tab before a name are none of it; any other byte makes another name of it. */
function valuesOf(header: string, name: string): string[] {
  const parts = header.split(";").map((part) => part.replace(/^[ \t]+/, ""));
  return parts.flatMap((part) => {
    const at = part.indexOf("=");
    return (at < 0 ? part : part.slice(0, at)) === name ? [at < 0 ? "" : part.slice(at + 1)] : [];
  });
}

function sentOnce(header: string, name: string): string | undefined {
  const [value, ...others] = valuesOf(header, name);
  return others.length === 0 && value !== undefined && /^[\w-]{43}$/.test(value) ? value : undefined;
}
