import { describe, expect, it } from "vitest";
import { z } from "zod";
import * as mini from "zod/mini";
import * as zod3 from "zod/v3";
import { StartError } from "../../src/errors.ts";
import { describeApi } from "../../src/http/pages/openapi.ts";
import { createTokenRouter } from "../../src/router/router.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import type { ClaimsSchema } from "../../src/token/claims.ts";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { ISSUER, openService } from "../support/service.ts";

const role = z.enum(["reader", "writer"]);
const miniRole = mini.enum(["reader", "writer"]);
type Tree = { name: string; children?: Tree[] | undefined };
const tree: z.ZodType<Tree, Tree> = z.lazy(() => z.object({ name: z.string(), children: z.array(tree).optional() }));

type Accepting = {
  schema: unknown;
  /** The requested claims, and those in the token if they differ. */
  accepts: [asked: Record<string, unknown>, signed?: Record<string, unknown>];
  refuses: unknown[];
};

const WORKS: Record<string, Accepting> = {
  "an object": {
    schema: z.object({ role }),
    accepts: [{ role: "reader" }],
    refuses: [{}, { role: "x" }, { role: "reader", rol: 1 }],
  },
  "a strict object": {
    schema: z.strictObject({ role }),
    accepts: [{ role: "reader" }],
    refuses: [{ role: "reader", rol: 1 }],
  },
  "a loose object": { schema: z.looseObject({ role }), accepts: [{ role: "reader", rol: 1 }], refuses: [{ rol: 1 }] },
  "an object with a catchall": {
    schema: z.object({ role }).catchall(z.number()),
    accepts: [{ role: "reader", rol: 1 }],
    refuses: [{ role: "reader", rol: "x" }],
  },
  "an object of zod/mini": {
    schema: mini.object({ role: miniRole }),
    accepts: [{ role: "reader" }],
    refuses: [{}, { role: "x" }, { role: "reader", rol: 1 }],
  },
  "a loose object of zod/mini": {
    schema: mini.looseObject({ role: miniRole }),
    accepts: [{ role: "reader", x: 1 }],
    refuses: [{}],
  },
  "checks of zod/mini": {
    schema: mini
      .object({ name: mini.string().check(mini.minLength(2)) })
      .check(mini.refine(({ name }) => name !== "no")),
    accepts: [{ name: "ada" }],
    refuses: [{ name: "a" }, { name: "no" }],
  },
  "a union": {
    schema: z.union([z.object({ role }), z.object({ level: z.int() })]),
    accepts: [{ level: 3 }],
    refuses: [{}, { level: "x" }, { level: 3, other: 1 }],
  },
  "a union of zod/mini": {
    schema: mini.union([mini.object({ role: miniRole }), mini.object({ level: mini.int() })]),
    accepts: [{ level: 3 }],
    refuses: [{}, { level: 3, other: 1 }],
  },
  "a discriminated union": {
    schema: z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("a"), role }),
      z.object({ kind: z.literal("b"), level: z.int() }),
    ]),
    accepts: [{ kind: "b", level: 3 }],
    refuses: [{ kind: "c" }, { kind: "b" }, { kind: "a", role: "reader", level: 3 }],
  },
  "an intersection": {
    schema: z.intersection(z.object({ role }), z.object({ level: z.int() })),
    // Neither half knows the names of the other, so unknown ones are dropped.
    accepts: [
      { role: "reader", level: 1, other: 1 },
      { role: "reader", level: 1 },
    ],
    refuses: [{ role: "reader" }, { level: 1 }],
  },
  "a record": {
    schema: z.record(z.string(), z.string()),
    accepts: [{ a: "b" }],
    refuses: [{ a: 1 }, { iss: "x" }, { jti: "x" }],
  },
  "a record of zod/mini": {
    schema: mini.record(mini.string(), mini.string()),
    accepts: [{ a: "b" }],
    refuses: [{ a: 1 }, { iss: "x" }],
  },
  "a lazy schema": { schema: z.lazy(() => z.object({ role })), accepts: [{ role: "reader" }], refuses: [{}] },
  "a schema within itself": {
    schema: z.object({ tree }),
    accepts: [{ tree: { name: "a", children: [{ name: "b" }] } }],
    refuses: [{ tree: { name: 1 } }],
  },
  "a transformation that accepts what it gives back": {
    schema: z.object({ role: z.string().transform((text) => text.toLowerCase()) }),
    accepts: [{ role: "READER" }, { role: "reader" }],
    refuses: [{ role: 1 }],
  },
  "a transformation of the whole": {
    schema: z.object({ role: z.string() }).transform(({ role }) => ({ role: role.toLowerCase() })),
    accepts: [{ role: "READER" }, { role: "reader" }],
    refuses: [{ role: "reader", rol: 1 }],
  },
  "a transformation to what JSON cannot express": {
    schema: z.object({
      at: z.union([z.string(), z.custom<Date>()]).transform((text) => new Date(String(text)) as unknown),
    }),
    accepts: [{ at: "2027-01-01" }, undefined as never],
    refuses: [{ at: "2027-01-01" }],
  },
  "a preprocessor": {
    schema: z.preprocess((value) => value, z.object({ role })) as unknown,
    accepts: [{ role: "reader" }],
    refuses: [{ role: "x" }],
  },
  "a refinement": {
    schema: z.object({ from: z.int(), to: z.int() }).refine(({ from, to }) => from < to),
    accepts: [{ from: 1, to: 2 }],
    refuses: [
      { from: 2, to: 1 },
      { from: 1, to: 2, x: 1 },
    ],
  },
  "defaults and optional claims": {
    schema: z.object({ role: role.default("reader"), team: z.string().optional() }),
    accepts: [{}, { role: "reader" }],
    refuses: [{ role: "x" }, { teem: "x" }],
  },
  "a read-only object": {
    schema: z.object({ role }).readonly(),
    accepts: [{ role: "reader" }],
    refuses: [{ role: "reader", x: 1 }],
  },
  "a custom schema": {
    schema: z.custom<Record<string, unknown>>((value) => typeof value === "object"),
    accepts: [{ a: 1 }],
    refuses: [null, [], "text", 7, { sub: "x" }],
  },
  "any value": { schema: z.any(), accepts: [{ a: 1 }], refuses: [null, [], "text", 7, { sub: "x" }] },
};

const NOT_OBJECTS = "claims must be a schema of an object, and is one of";
const whole = z.object({ role });
const miniWhole = mini.object({ role: miniRole });
/** Schemas that accept absent or invalid input, with their type. */
const MAY_BE_ABSENT: Record<string, [schema: unknown, type: string]> = {
  "optional as a whole": [whole.optional(), "an optional"],
  "optional as a whole, of zod/mini": [mini.optional(miniWhole), "an optional"],
  "optional as a whole where every claim is": [z.object({ role: role.optional() }).optional(), "an optional"],
  "a default as a whole": [whole.default({ role: "reader" }), "a default"],
  "a default as a whole, of zod/mini": [mini._default(miniWhole, { role: "reader" }), "a default"],
  "a prefault as a whole": [whole.prefault({ role: "reader" }), "a prefault"],
  "a catch as a whole": [whole.catch({ role: "reader" }), "a catch"],
  "a catch as a whole, of zod/mini": [mini.catch(miniWhole, { role: "reader" }), "a catch"],
  "optional behind a lazy schema": [z.lazy(() => whole.optional()), "an optional"],
  "optional before a transformation": [whole.optional().transform((claims) => claims ?? {}), "an optional"],
  "optional and read-only": [whole.optional().readonly(), "an optional"],
  "optional and then not": [whole.optional().nonoptional(), "an optional"],
  "a union with a default": [z.union([whole.default({ role: "reader" }), z.object({ a: z.int() })]), "a default"],
};
const REFUSED: Record<string, [schema: unknown, said: string]> = {
  "an object of zod 3": [
    zod3.object({ role: zod3.string() }),
    "claims must be a schema of zod 4, and is one of zod 3: import it from zod or zod/mini",
  ],
  "a plain object": [{ role: "reader" }, "claims must be a schema of zod 4"],
  "a class": [class {}, "claims must be a schema of zod 4"],
  "what has a safeParse": [{ safeParse: () => ({ success: true }) }, "claims must be a schema of zod 4"],
  null: [null, "claims must be a schema of zod 4"],
  "a string": [z.string(), `${NOT_OBJECTS} a string`],
  "a string of zod/mini": [mini.string(), `${NOT_OBJECTS} a string`],
  "an array": [z.array(z.object({})), `${NOT_OBJECTS} an array`],
  "what may be null": [z.object({}).nullable(), `${NOT_OBJECTS} a nullable`],
  ...Object.fromEntries(
    Object.entries(MAY_BE_ABSENT).map(([name, [schema, type]]) => [
      name,
      [schema, `${NOT_OBJECTS} ${type}: only single claims can be that`],
    ]),
  ),
  "a union with a string": [z.union([z.object({}), z.string()]), `${NOT_OBJECTS} a string`],
  "a map": [z.map(z.string(), z.string()), `${NOT_OBJECTS} a map`],
  "a date": [z.object({ at: z.date() }), "The claim at is a date, which JSON cannot express"],
  "a date of zod/mini": [mini.object({ at: mini.date() }), "The claim at is a date, which JSON cannot express"],
  "a bigint deep within": [
    z.object({ a: z.array(z.object({ b: z.bigint().optional() })) }),
    "The claim a.*.b is a bigint, which JSON cannot express",
  ],
  "a set in a record": [z.record(z.string(), z.set(z.string())), "The claim * is a set, which JSON cannot express"],
  "a registered claim": [
    z.object({ sub: z.string() }),
    "The claims schema declares registered claims (sub): rename them",
  ],
  "one of zod/mini": [
    mini.object({ sub: mini.string() }),
    "The claims schema declares registered claims (sub): rename them",
  ],
  "one in a union": [
    z.union([z.object({ a: z.string() }), z.object({ iss: z.string() })]),
    "The claims schema declares registered claims (iss): rename them",
  ],
  "one in an intersection": [
    z.intersection(z.object({ a: z.string() }), z.object({ jti: z.string() })),
    "The claims schema declares registered claims (jti): rename them",
  ],
  "one behind a lazy schema": [
    z.lazy(() => z.object({ scope: z.string() })),
    "The claims schema declares registered claims (scope): rename them",
  ],
  "one as a key of a record": [
    z.record(z.enum(["a", "aud"]), z.string()),
    "The claims schema declares registered claims (aud): rename them",
  ],
  "one before a transformation": [
    z.object({ exp: z.int() }).transform((claims) => claims),
    "The claims schema declares registered claims (exp): rename them",
  ],
  "an async refinement": [
    z.object({ a: z.string() }).refine(async () => true),
    "The claims schema has async parts: claims are checked at once",
  ],
  "an async refinement of zod/mini": [
    mini.object({ a: mini.string().check(mini.refine(async () => true)) }),
    "The claim a has async parts: claims are checked at once",
  ],
  "an async transformation": [
    z.object({ a: z.string().transform(async (text) => text) }),
    "The claim a has async parts: claims are checked at once",
  ],
};

const caller = { authenticate: async () => localCaller };

describe("a schema of claims", () => {
  it.each(Object.entries(WORKS))("may be %s", async (_, { schema, accepts: [asked, ...signed], refuses }) => {
    await using opened = await openService({ claims: schema as ClaimsSchema });
    const router = createTokenRouter(opened.service);
    const issue = (claims: unknown) => router.createCaller(caller).getToken({ claims } as never);
    const wanted = signed.length === 0 ? asked : signed[0];
    if (wanted !== undefined) {
      const { token } = await issue(asked);
      expect(await opened.service.verifyToken({ token })).toMatchObject(wanted);
      expect(Object.keys(await opened.service.verifyToken({ token }))).not.toContain("other");
    }
    for (const claims of refuses)
      await expect(issue(claims), JSON.stringify(claims)).rejects.toMatchObject({ code: "BAD_REQUEST" });
    expect(JSON.stringify(describeApi(router, opened.service))).toContain("/getToken");
    createVerifier({
      issuer: ISSUER,
      audience: ISSUER,
      claims: schema as ClaimsSchema,
      fetch: () => new Promise(() => {}),
    }).close();
  });

  it.each(Object.entries(REFUSED))("cannot be or contain %s", async (_, [schema, said]) => {
    const claims = schema as ClaimsSchema;
    await expect(openService({ claims })).rejects.toThrow(new StartError(said));
    expect(() => createVerifier({ issuer: ISSUER, audience: ISSUER, claims })).toThrow(new StartError(said));
  });

  it("may have claims that are optional, nullable, or have a default", async () => {
    const claims = z.object({
      a: z.string().optional(),
      b: z.string().nullable().default(null),
      c: z.string().prefault("c"),
      d: z.string().catch("d"),
    });
    await using opened = await openService({ claims });
    const { token } = await createTokenRouter(opened.service)
      .createCaller(caller)
      .getToken({} as never);
    expect(await opened.service.verifyToken({ token })).toMatchObject({ b: null, c: "c", d: "d" });
  });

  it("must be of zod 4 by its type", () => {
    const create = (_: ClaimsSchema) => {};
    create(mini.object({ role: miniRole }));
    // @ts-expect-error: of zod 3
    create(zod3.object({ role: zod3.string() }));
    // @ts-expect-error: not of an object
    create(z.string());
  });
});
