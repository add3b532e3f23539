import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Form, type FormOutcome, readForm } from "../../src/oauth/form.ts";
import { anyCharacter } from "../support/any-character.ts";

const FORM = "application/x-www-form-urlencoded";

const read = (body: string | Uint8Array, contentType: string | undefined = FORM) =>
  readForm(typeof body === "string" ? Buffer.from(body) : body, contentType);

function formOf(outcome: FormOutcome): Form {
  if (outcome.outcome !== "read") throw new Error(outcome.description);
  return outcome.form;
}

/** The parameters of a form, in the order of the body, and its resources. */
function entriesOf(outcome: FormOutcome): [string, string][] {
  const { parameters, resources } = formOf(outcome);
  return [...parameters, ...resources.map((value): [string, string] => ["resource", value])];
}

const many = (count: number) => Array.from({ length: count }, (_, at) => `p${at}=1`).join("&");

describe("a form", () => {
  it.each([
    ["", []],
    ["&&", []],
    ["grant_type=client_credentials", [["grant_type", "client_credentials"]]],
    [
      "a=1&b=2",
      [
        ["a", "1"],
        ["b", "2"],
      ],
    ],
    ["&a=1&&", [["a", "1"]]],
    [`${"&".repeat(500)}a=1`, [["a", "1"]]],
    ["a=b=c=", [["a", "b=c="]]],
    ["scope=read+write", [["scope", "read write"]]],
    ["a=1%2B1", [["a", "1+1"]]],
    ["a=%c3%A9", [["a", "é"]]],
    ["a=é𝄞", [["a", "é𝄞"]]],
    ["a=line%0D%0Abreak", [["a", "line\r\nbreak"]]],
    ["a=%00", [["a", "\0"]]],
    ["a=1;b=2", [["a", "1;b=2"]]],
    ["%61=1", [["a", "1"]]],
    [
      "a=1&A=2",
      [
        ["a", "1"],
        ["A", "2"],
      ],
    ],
    [
      "__proto__=1&constructor=2&toString=3",
      [
        ["__proto__", "1"],
        ["constructor", "2"],
        ["toString", "3"],
      ],
    ],
    [
      "resource=https://a.example&resource=https://b.example",
      [
        ["resource", "https://a.example"],
        ["resource", "https://b.example"],
      ],
    ],
  ])("of %j has its parameters", (body, parameters) => {
    expect(entriesOf(read(body))).toEqual(parameters);
  });

  it.each(["scope", "scope=", "scope=&", "resource", "resource=&resource="])("of %j has none: no value", (body) => {
    expect(entriesOf(read(body))).toEqual([]);
  });

  it("has no parameter that it was not sent", () => {
    const { parameters } = formOf(read("a=1"));
    expect([parameters.get("__proto__"), parameters.get("hasOwnProperty")]).toEqual([undefined, undefined]);
  });

  it("has 64 parameters at most, resources included", () => {
    expect(entriesOf(read(many(64)))).toHaveLength(64);
    const refusal = { outcome: "invalid_request", description: "A request has at most 64 parameters." };
    expect(read(many(65))).toEqual(refusal);
    expect(read(`${many(64)}&resource=a`)).toEqual(refusal);
    expect(read("resource=a&".repeat(65))).toEqual(refusal);
  });

  it.each([
    ["scope=a&scope=b", "The parameter scope is repeated."],
    ["scope=a&scope=a", "The parameter scope is repeated."],
    ["scope=&scope=a", "The parameter scope is repeated."],
    ["scope=a&scope", "The parameter scope is repeated."],
    ["scope=a&%73cope=b", "The parameter scope is repeated."],
    ["__proto__=1&__proto__=2", "The parameter __proto__ is repeated."],
    ['a"b=1&a"b=2', "A parameter is repeated."],
    [`${"a".repeat(65)}=1&${"a".repeat(65)}=2`, "A parameter is repeated."],
    ["=1&=2", "A parameter is repeated."],
    ["scope=%", "The parameter scope has a malformed percent escape."],
    ["scope=%4", "The parameter scope has a malformed percent escape."],
    ["scope=%zz", "The parameter scope has a malformed percent escape."],
    ["scope=100%", "The parameter scope has a malformed percent escape."],
    ["scope=%ff", "The parameter scope has a malformed percent escape."],
    ["scope=%C0%80", "The parameter scope has a malformed percent escape."],
    ["scope=%ED%A0%80", "The parameter scope has a malformed percent escape."],
    ["scope=%F4%90%80%80", "The parameter scope has a malformed percent escape."],
    ["scope=%C3", "The parameter scope has a malformed percent escape."],
    ["%E0%A4%A=1", "The name of a parameter has a malformed percent escape."],
  ])("of %j is refused", (body, description) => {
    expect(read(body)).toEqual({ outcome: "invalid_request", description });
  });

  it.each([[[0xff]], [[0x61, 0x3d, 0xc3]], [[0x61, 0x3d, 0xed, 0xa0, 0x80]], [[0x61, 0x3d, 0xc0, 0xaf]]])(
    "of the bytes %j is refused: not UTF-8",
    (bytes) => {
      const description = "The body is not valid UTF-8.";
      expect(read(Uint8Array.from(bytes))).toEqual({ outcome: "invalid_request", description });
    },
  );

  it.each([
    FORM,
    "Application/X-WWW-Form-Urlencoded",
    `${FORM};charset=UTF-8`,
    `${FORM}; charset="utf-8"`,
    `${FORM} ; charset=utf8; boundary=x`,
    `${FORM};`,
    ` ${FORM} `,
  ])("is read with the content type %j", (contentType) => {
    expect(entriesOf(read("a=1", contentType))).toEqual([["a", "1"]]);
  });

  it.each([
    "",
    "application/json",
    "text/plain",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded2",
    `text/plain, ${FORM}`,
    `${FORM}, text/plain`,
    "application/x-www-form-urlencoded+json",
  ])("is refused with the content type %j", (contentType) => {
    const description = "The Content-Type must be application/x-www-form-urlencoded.";
    expect(read("a=1", contentType)).toEqual({ outcome: "invalid_request", description });
  });

  it("is refused without a content type", () => {
    expect(readForm(Buffer.from("a=1"), undefined).outcome).toBe("invalid_request");
  });

  it.each(["iso-8859-1", "utf-16", "utf-7", '"ibm037"', "utf-8; charset=utf-16", ""])(
    "is refused with the charset %s",
    (charset) => {
      const description = "The charset of the body must be UTF-8.";
      expect(read("a=1", `${FORM}; charset=${charset}`)).toEqual({ outcome: "invalid_request", description });
    },
  );

  it("has the parameters that URLSearchParams wrote", () => {
    const text = fc.string({ unit: anyCharacter, minLength: 1, maxLength: 30 });
    const name = text.filter((one) => one !== "resource");
    const pairs = fc.uniqueArray(fc.tuple(name, text), { maxLength: 20, selector: ([one]) => one });
    const resources = fc.array(text, { maxLength: 4 });
    fc.assert(
      fc.property(pairs, resources, (sent, more) => {
        const all = [...sent, ...more.map((value): [string, string] => ["resource", value])];
        expect(entriesOf(read(new URLSearchParams(all).toString()))).toEqual(all);
      }),
    );
  });

  it("of any bytes is what URLSearchParams reads without its empty values, or refused", () => {
    const piece = fc.constantFrom("a", "b", "=", "&", "+", "%", "%41", "%C3%A9", "%ff", "é", "resource", "__proto__");
    const bytes = fc.oneof(
      fc.array(piece, { maxLength: 30 }).map((pieces) => Buffer.from(pieces.join(""))),
      fc.uint8Array({ maxLength: 40 }),
    );
    const inOrder = (entries: [string, string][]) => entries.map((entry) => JSON.stringify(entry)).sort();
    fc.assert(
      fc.property(bytes, (body) => {
        const outcome = read(body);
        if (outcome.outcome === "read") {
          const all = [...new URLSearchParams(`?${Buffer.from(body)}`)].filter(([, value]) => value !== "");
          expect(inOrder(entriesOf(outcome))).toEqual(inOrder(all));
        } else expect(outcome.description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
      }),
      { numRuns: 1000 },
    );
  });
});
