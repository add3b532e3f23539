import * as z from "zod/mini";
import { clone } from "zod/v4/core";
import { StartError } from "../errors.ts";

/**
 * A schema of the custom claims, of zod 4 (`zod` or `zod/mini`), without async parts. Its output must be JSON and valid
 * input again.
 */
export type ClaimsSchema = z.core.$ZodType<Record<string, unknown>, Record<string, unknown>>;

/**
 * Claims with a registered meaning: RFC 7519 §4.1, RFC 9068 §2.2, proof of possession (RFC 7800), delegation (RFC 8693 §4),
 * introspection (RFC 7662 §2.2), sessions.
 */
export const RESERVED_CLAIMS: ReadonlySet<string> = new Set(
  "iss sub aud exp nbf iat jti client_id scope auth_time acr amr azp nonce sid grant_id cnf act may_act active token_type username status events".split(
    " ",
  ),
);

/**
 * Throws a {@link StartError} for a schema that is not of zod 4, not of an object, optional or with a default as a whole, of
 * values that JSON cannot express, with async parts, or with registered claims. Not checked: the output of transformations,
 * and async functions compiled for older engines.
 */
export function checkClaimsSchema(schema: ClaimsSchema): void {
  if (!isSchemaOfZod4(schema)) throw new StartError(`claims must be a schema of zod 4${describeValue(schema)}`);
  const parts = partsOf(schema);
  for (const { part, path } of parts) {
    const { type } = part._zod.def;
    if (path === "" && !OBJECTS.has(type)) {
      const remedy = OF_SINGLE_CLAIMS.has(type) ? ": only single claims can be that" : "";
      throw new StartError(`claims must be a schema of an object, and is one of ${named(type)}${remedy}`);
    }
    const name = path === "" ? "The claims schema" : `The claim ${path}`;
    if (NOT_JSON.has(type)) throw new StartError(`${name} is ${named(type)}, which JSON cannot express`);
    if (isAsync(part)) throw new StartError(`${name} has async parts: claims are checked at once`);
  }
  const declared = parts.flatMap(({ part, path }) => (path === "" ? namesIn(part) : []));
  const reserved = [...new Set(declared)].filter((name) => RESERVED_CLAIMS.has(name));
  if (reserved.length > 0)
    throw new StartError(`The claims schema declares registered claims (${reserved.join(", ")}): rename them`);
}

/** Makes object schemas refuse unknown names. Not in intersections, where neither half knows all names. */
export function strictly(schema: ClaimsSchema): ClaimsSchema {
  return strictPart(schema) as ClaimsSchema;
}

function strictPart(schema: z.core.$ZodType): z.core.$ZodType {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  const change = (changed: object) => clone(schema, { ...def, ...changed }, { parent: true });
  if (def.type === "object") return def.catchall === undefined ? change({ catchall: z.never() }) : schema;
  if (def.type === "union") return change({ options: def.options.map(strictPart) });
  if (def.type === "pipe") return change({ in: strictPart(def.in) });
  return "innerType" in def ? change({ innerType: strictPart(def.innerType) }) : schema;
}

function isSchemaOfZod4(schema: unknown): boolean {
  return typeof schema === "object" && schema !== null && "_zod" in schema;
}

function describeValue(schema: unknown): string {
  const isOfZod3 = typeof schema === "object" && schema !== null && "_def" in schema;
  return isOfZod3 ? ", and is one of zod 3: import it from zod or zod/mini" : "";
}

/** Schemas whose values can be objects. */
const OBJECTS = new Set(
  "object record intersection union lazy pipe readonly nonoptional custom any unknown".split(" "),
);

/**
 * Schemas with a value for absent or invalid input. As a whole, claims are never absent, only empty; and `catch` would verify
 * every token.
 */
const OF_SINGLE_CLAIMS = new Set("optional default prefault catch".split(" "));

const NOT_JSON = new Set("bigint date symbol map set function promise file nan void undefined".split(" "));

function named(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

type Part = { part: z.core.$ZodType; path: string };

/** A schema and all its parts, each with its path. A recursive schema is visited once. */
function partsOf(part: z.core.$ZodType, path = "", seen = new Set<z.core.$ZodType>()): Part[] {
  if (seen.has(part)) return [];
  seen.add(part);
  return [{ part, path }, ...childrenOf(part, path).flatMap((child) => partsOf(child.part, child.path, seen))];
}

function childrenOf(part: z.core.$ZodType, path: string): Part[] {
  const { def } = (part as z.core.$ZodTypes)._zod;
  const within = (name: string) => (path === "" ? name : `${path}.${name}`);
  const here = (...parts: z.core.$ZodType[]) => parts.map((one) => ({ part: one, path }));
  const inside = (name: string, ...parts: (z.core.$ZodType | null | undefined)[]) =>
    parts.flatMap((one) => (one ? [{ part: one, path: within(name) }] : []));
  switch (def.type) {
    case "object": {
      const members = Object.entries(def.shape).map(([name, one]) => ({ part: one, path: within(name) }));
      return [...members, ...inside("*", def.catchall?._zod.def.type === "never" ? undefined : def.catchall)];
    }
    case "record":
      return inside("*", def.valueType);
    case "array":
      return inside("*", def.element);
    case "tuple":
      return inside("*", ...def.items, def.rest);
    case "union":
      return here(...def.options);
    case "intersection":
      return here(def.left, def.right);
    case "pipe":
      return here(def.in, def.out).filter(({ part: one }) => one._zod.def.type !== "transform");
    case "lazy":
      return here(def.getter());
    default:
      return "innerType" in def ? here(def.innerType) : [];
  }
}

/** The names that an object schema declares. */
function namesIn(part: z.core.$ZodType): string[] {
  const { def } = (part as z.core.$ZodTypes)._zod;
  if (def.type === "object") return Object.keys(def.shape);
  if (def.type !== "record") return [];
  return [...(def.keyType._zod.values ?? [])].map(String);
}

/** Whether it calls a function that is recognisably async. */
function isAsync(part: z.core.$ZodType): boolean {
  const { def } = (part as z.core.$ZodTypes)._zod;
  const transforms = def.type === "pipe" ? [def.in, def.out, def].flatMap(functionsIn) : functionsIn(def);
  const checks = (def.checks ?? []).flatMap(({ _zod }) => functionsIn(_zod.def));
  return [...transforms, ...checks].some((one) => one.constructor.name === "AsyncFunction");
}

function functionsIn(holder: object): ((...values: never[]) => unknown)[] {
  const def = "_zod" in holder ? (holder as z.core.$ZodType)._zod.def : holder;
  return ["transform", "reverseTransform", "fn", "check"].flatMap((name) => {
    const value: unknown = Reflect.get(def, name);
    return typeof value === "function" ? [value as (...values: never[]) => unknown] : [];
  });
}
