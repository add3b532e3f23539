import { isUtf8 } from "node:buffer";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { readForm } from "../../../src/oauth/form.ts";
import { anyCharacter } from "../../support/any-character.ts";
import { mutate } from "../mutate.ts";
import { type Outcome, type Target, Violation } from "../target.ts";

type FormInput = { body: Buffer; contentType: string | undefined };

const FORM = "application/x-www-form-urlencoded";
const MAX_PARAMETERS = 64;

const names = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      ..."grant_type scope resource resource refresh_token token client_id client_secret client_assertion".split(" "),
    ),
  },
  fc.constantFrom("", "__proto__", "constructor", "a b", "é", "toke%6e", "re%73ource", "%", "%zz", "%FF", "\ufeff"),
  fc.string({ unit: anyCharacter, maxLength: 6 }).map(escaped),
);
const values = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("", "a", "a+b", "a%20b", "client_credentials", "=", "a=b", "%26", "%3D") },
  fc.constantFrom("%", "%4", "%e2%82", "%c0%af", "%ed%a0%80", "%EF%BB%BF", "%00", "?", "\ufeff"),
  fc.string({ unit: anyCharacter, maxLength: 12 }).map(escaped),
  fc.string({ unit: anyCharacter, maxLength: 12 }),
);
const separators = fc.oneof({ weight: 12, arbitrary: fc.constant("&") }, fc.constantFrom("&&", ";", "\n", "?", ""));
const pairs = fc
  .tuple(names, fc.oneof({ weight: 12, arbitrary: fc.constant("=") }, fc.constantFrom("", "==")), values, separators)
  .map((parts) => parts.join(""));
const bodies = fc.oneof(
  { weight: 12, arbitrary: fc.array(pairs, { maxLength: 8 }).map((all) => all.join("")) },
  { weight: 1, arbitrary: fc.nat(80).map((count) => Array.from({ length: count }, (_, at) => `p${at}=1`).join("&")) },
);
const types = fc.oneof(
  { weight: 16, arbitrary: fc.constant<string | undefined>(FORM) },
  fc.constantFrom(
    ...[undefined, "", "text/plain", "application/json", FORM.toUpperCase(), ` ${FORM} `, `${FORM},text/plain`],
    ...["charset=utf-8", 'charset="UTF8"', "charset=latin1", "Charset = utf-8; charset=utf-16", "x=charset=utf-7"].map(
      (parameter) => `${FORM};${parameter}`,
    ),
  ),
);

function escaped(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** The reader of forms, compared with the URL Standard's, which is lenient: it may refuse more, and read nothing else. */
export const formTarget: Target<FormInput> = {
  structured: fc.record({ body: bodies.map((text) => Buffer.from(text)), contentType: types }),

  mutate: ({ body, contentType }, random, other) => ({
    body: mutate(body, random, other.body),
    contentType: random.chance(0.1) ? other.contentType : contentType,
  }),

  examine({ body, contentType }): Outcome {
    const outcome = readForm(body, contentType);
    const sent = [...new URLSearchParams(`&${body.toString()}`)];
    const isSound = isSoundForm({ body, contentType }, sent);
    if (outcome.outcome !== "read") {
      if (isSound) throw new Violation("is refused, though it is sound");
      if (!/^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,200}$/.test(outcome.description))
        throw new Violation("is refused in characters that error_description cannot have");
      return { what: outcome.description.replace(/^The parameter \S+/, "A parameter"), isParsed: isUtf8(body) };
    }
    if (!isSound) throw new Violation("is read, though it is not sound");
    const given = sent.filter(([, value]) => value !== "");
    const { parameters, resources } = outcome.form;
    const others = given.filter(([name]) => name !== "resource");
    if (!isDeepStrictEqual(new Map(others), new Map(parameters)) || others.length !== parameters.size)
      throw new Violation("is read as other parameters than by the URL Standard");
    const wanted = given.filter(([name]) => name === "resource").map(([, value]) => value);
    if (!isDeepStrictEqual(wanted, [...resources])) throw new Violation("is read as other resources");
    return { what: resources.length > 0 ? "read with resources" : "read", isParsed: true };
  },
};

/** Whether a form can be understood in one way alone. */
function isSoundForm({ body, contentType = "" }: FormInput, sent: readonly (readonly [string, string])[]): boolean {
  const [type = "", ...parameters] = contentType.split(";").map((part) => part.trim().toLowerCase());
  const charsets = parameters.flatMap((parameter) => /^charset[ \t]*=[ \t]*"?([^"]*)"?$/.exec(parameter)?.[1] ?? []);
  if (type !== FORM || !charsets.every((charset) => charset === "utf-8" || charset === "utf8")) return false;
  if (!isUtf8(body) || sent.length > MAX_PARAMETERS) return false;
  const named = sent.map(([name]) => name).filter((name) => name !== "resource");
  return new Set(named).size === named.length && !/%(?![0-9a-f]{2})/i.test(body.toString()) && hasUtf8Escapes(body);
}

/** Whether the bytes of each name and value are UTF-8. */
function hasUtf8Escapes(body: Buffer): boolean {
  const bytesOf = (part: string) =>
    Buffer.from(
      Buffer.from(part)
        .toString("latin1")
        .replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
      "latin1",
    );
  return body
    .toString()
    .split(/[&=]/)
    .every((part) => isUtf8(bytesOf(part)));
}
