import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { ClaimField } from "../../src/http/pages/claims-fields.ts";
import { skeletonOf } from "../../src/http/pages/skeleton.ts";
import { type StartPageOptions, startPage } from "../../src/http/pages/start-page.ts";
import { anyClaims, type ClaimsSchema } from "../../src/token/claims.ts";
import { call } from "../support/request.ts";
import { openServer } from "../support/service.ts";

const role = z.enum(["reader", "writer"]);
type Tree = { name: string; children?: Tree[] | undefined };
const tree: z.ZodType<Tree, Tree> = z.object({
  name: z.string(),
  get children() {
    return z.array(tree).optional();
  },
});

/** Schemas of claims, and what the field for them has in it at first. */
const SCHEMAS: Record<string, [schema: ClaimsSchema, skeleton: object]> = {
  "an enumeration": [z.object({ role }), { role: "reader" }],
  "what may be left out": [z.object({ role: role.optional(), level: z.int().optional() }), {}],
  "what may be null": [z.object({ role: role.nullable(), tag: z.string().nullish() }), { role: "reader" }],
  "a default": [z.object({ role: role.default("writer") }), {}],
  "objects in objects": [
    z.object({ org: z.object({ id: z.string().min(2), plan: z.object({ seats: z.int().positive() }) }) }),
    { org: { id: "xx", plan: { seats: 1 } } },
  ],
  "numbers with bounds": [
    z.object({
      a: z.number(),
      b: z.number().min(5),
      c: z.int().gt(5),
      d: z.number().max(-3),
      e: z.number().negative(),
    }),
    { a: 0, b: 5, c: 6, d: -3, e: -1 },
  ],
  lists: [z.object({ a: z.array(z.string()), b: z.array(role).min(2) }), { a: [], b: ["reader", "reader"] }],
  "a tuple": [z.object({ pair: z.tuple([z.string(), z.boolean()]) }), { pair: ["", false] }],
  alternatives: [z.object({ id: z.union([z.string(), z.int()]) }), { id: "" }],
  "alternatives of objects": [
    z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("user"), age: z.int() }),
      z.object({ kind: z.literal("bot") }),
    ]),
    { kind: "user", age: 0 },
  ],
  "two schemas at once": [
    z.intersection(z.object({ role }), z.object({ on: z.boolean() })),
    { role: "reader", on: false },
  ],
  "texts of a format": [
    z.object({ mail: z.email(), id: z.uuid(), at: z.iso.datetime(), day: z.iso.date(), link: z.url() }),
    {
      mail: "ada@example.org",
      id: "00000000-0000-4000-8000-000000000000",
      at: "2027-01-01T00:00:00Z",
      day: "2027-01-01",
      link: "https://example.org",
    },
  ],
  "a schema that refers to itself": [tree as unknown as ClaimsSchema, { name: "" }],
  "a record": [z.record(z.string(), z.int()), {}],
  "an example of its own": [z.object({ role }).meta({ examples: [{ role: "writer" }] }), { role: "writer" }],
  "an example of a part": [z.object({ plan: z.string().meta({ examples: ["gold"] }) }), { plan: "gold" }],
};

async function htmlOf(options: Partial<StartPageOptions>): Promise<string> {
  const { body } = await startPage({ issuer: "x", open: true, claims: anyClaims, ...options });
  return String(body);
}

async function fieldsOf(claims: ClaimsSchema, open = true): Promise<ClaimField[]> {
  const [, escaped = ""] = /data-fields="([^"]*)"/.exec(await htmlOf({ claims, open })) ?? [];
  return JSON.parse(escaped.replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">"));
}

/** The claims that the page sends where nobody has changed a field. */
function enteredIn(fields: readonly ClaimField[]): unknown {
  const [only] = fields;
  if (only !== undefined && only.name === undefined) return only.value;
  return Object.fromEntries(fields.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
}

describe("the fields for claims of the page at /", () => {
  it.each(Object.entries(SCHEMAS))("begin for %s with what is required, and get a token", async (...row) => {
    const [, [claims, skeleton]] = row;
    const entered = enteredIn(await fieldsOf(claims));
    expect(entered).toEqual(skeleton);
    await using server = await openServer({ claims });
    expect(await call(server.url, "getToken", { claims: entered })).toMatchObject({ status: 200 });
  });

  it("are an input for each simple claim, and a text area for the others, for clients too", async () => {
    const claims = z.object({
      name: z.string().max(9).meta({ description: "The name." }),
      level: z.int().min(1).max(3).optional(),
      share: z.number().optional(),
      role: role.default("reader"),
      kind: z.literal("user"),
      admin: z.boolean(),
      beta: z.boolean().optional(),
      team: z.string().nullable(),
      tags: z.array(z.string()).optional(),
    });
    const fields = [
      { name: "name", kind: "text", required: true, value: "", description: "The name.", maxLength: 9 },
      { name: "level", kind: "number", required: false, min: 1, max: 3 },
      { name: "share", kind: "number", required: false },
      { name: "role", kind: "choice", required: false, choices: ["reader", "writer"], standard: "reader" },
      { name: "kind", kind: "choice", required: true, choices: ["user"], value: "user" },
      { name: "admin", kind: "flag", required: true, value: false },
      { name: "beta", kind: "choice", required: false, choices: [true, false] },
      { name: "team", kind: "text", required: true, value: "" },
      { name: "tags", kind: "json", required: false },
    ];
    for (const open of [true, false]) expect(await fieldsOf(claims, open)).toEqual(fields);
  });

  it("are one text area for an object of any kind", async () => {
    const whole = { kind: "json", required: true };
    expect(await fieldsOf(anyClaims)).toEqual([{ ...whole, value: { role: "reader" } }]);
    expect(await fieldsOf(z.record(z.string(), z.int()))).toEqual([{ ...whole, value: {} }]);
    const many = z.object(
      Object.fromEntries(Array.from({ length: 25 }, (_, at) => [`claim${at}`, z.int().optional()])),
    );
    expect(await fieldsOf(many)).toEqual([{ ...whole, value: {} }]);
  });

  it("escape the schema", async () => {
    const claims = z.object({ "</textarea><script>": z.literal('"><img src=x>') }).meta({ description: "<b>&" });
    const page = await htmlOf({ claims });
    expect(page).not.toMatch(/<img|<b>|<\/textarea><script/);
    expect(page).toContain("&lt;img src=x&gt;");
  });

  it("do not read the issuer or the schema as a template", async () => {
    const claims = z.object({ role: z.literal("{{#open}}{{issuer}}{{/open}}") });
    const page = await htmlOf({ issuer: "{{url}}$&<b>", claims });
    expect(page).toContain("<code>{{url}}$&amp;&lt;b&gt;</code>");
    expect(page).toContain("{{#open}}{{issuer}}{{/open}}");
  });

  it("end for any schema", () => {
    expect(skeletonOf({ $ref: "#" })).toBeNull();
    expect(skeletonOf({ type: "object", required: ["a"], properties: { a: { $ref: "#" } } })).toHaveProperty("a.a.a");
    expect(skeletonOf({ type: "object", required: ["__proto__", "b"] })).toEqual(
      JSON.parse('{"__proto__":null,"b":null}'),
    );
    expect(skeletonOf({ $ref: "#/nothing/there" })).toBeNull();
  });
});
