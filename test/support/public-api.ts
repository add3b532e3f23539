import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { ServedRouter } from "../../src/router/procedure.ts";
import { ROOT } from "./documents.ts";

/** Entry points of the package, with their sources. */
export const ENTRIES: Readonly<Record<string, string>> = {
  mintmark: "src/index.ts",
  "mintmark/sqlite": "src/sqlite.ts",
  "mintmark/postgres": "src/postgres.ts",
  "mintmark/client": "src/client/client.ts",
  "mintmark/router": "src/router.ts",
  "mintmark/verifier": "src/verifier/verifier.ts",
  "mintmark/verifier/trpc": "src/verifier/middleware/trpc.ts",
  "mintmark/verifier/node": "src/verifier/middleware/node.ts",
  "mintmark/verifier/fastify": "src/verifier/middleware/fastify.ts",
  "mintmark/verifier/hono": "src/verifier/middleware/hono.ts",
  "mintmark/verifier/fetch": "src/verifier/middleware/fetch.ts",
  "mintmark/verifier/mcp": "src/verifier/middleware/mcp.ts",
  "mintmark/testing": "src/testing/testing.ts",
};

/** Option types of the package, each with the source that declares it. */
export const OPTIONS: Readonly<Record<string, string>> = {
  TokenServiceOptions: "src/service/options.ts",
  HandlerOptions: "src/http/options.ts",
  FetchHandlerOptions: "src/http/options.ts",
  ServerOptions: "src/http/options.ts",
  TokenClientOptions: "src/client/client.ts",
  VerifierOptions: "src/verifier/options.ts",
  BearerOptions: "src/verifier/middleware/bearer.ts",
  TestIssuerOptions: "src/testing/testing.ts",
  TestTokenOptions: "src/testing/testing.ts",
};

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** The names that a source exports, types included. */
export function exportsOf(source: string): string[] {
  const code = read(source).replace(/\/\*[\s\S]*?\*\//g, "");
  const lists = [...code.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = ""]) => list.split(","));
  const declared = [...code.matchAll(/^export (?:async )?(?:function|const|class|type) (\w+)/gm)];
  const named = lists.map((name) => name.replace(/^\s*type\s+/, "").trim()).filter((name) => name !== "");
  // An overload is exported once.
  return [...new Set([...named, ...declared.map(([, name = ""]) => name)])].sort();
}

/** The options that a type of options has. */
export function optionsOf(type: string, source: string): string[] {
  const code = read(source).replace(/\/\*[\s\S]*?\*\//g, "");
  const [, body = ""] = new RegExp(`export type ${type}\\b[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(code) ?? [];
  return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name = ""]) => name).sort();
}

type Definition = {
  type: string;
  inputs: readonly z.ZodType[];
  meta?: { output: z.ZodType; errors: readonly string[]; summary: string };
};
export type DescribedProcedure = {
  name: string;
  type: string;
  summary: string;
  input: string;
  output: string;
  reasons: string;
};

/** What the procedures of a router say of themselves, as the page on the API has it. */
export function proceduresOf(router: ServedRouter): DescribedProcedure[] {
  return Object.entries(router._def.procedures as unknown as Record<string, { _def: Definition }>).map(
    ([name, { _def }]) => ({
      name,
      type: _def.type,
      summary: _def.meta?.summary ?? "",
      input: fieldsOf(_def.inputs[0], "input"),
      output: fieldsOf(_def.meta?.output, "output"),
      reasons: (_def.meta?.errors ?? []).map((reason) => `\`${reason}\``).join(", "),
    }),
  );
}

type Schema = {
  type?: string;
  properties?: object;
  items?: Schema;
  anyOf?: Schema[];
  allOf?: Schema[];
  required?: string[];
};

function fieldsOf(schema: z.ZodType | undefined, io: "input" | "output"): string {
  if (schema === undefined) return "none";
  return fieldsIn(z.toJSONSchema(schema, { io, unrepresentable: "any" }) as Schema) || "none";
}

function fieldsIn({ properties = {}, required = [], items, anyOf = [], allOf = [] }: Schema): string {
  if (items !== undefined) return `list of: ${fieldsIn(items)}`;
  const own = Object.keys(properties).map((name) => `\`${name}${required.includes(name) ? "" : "?"}\``);
  const parts = [...own, ...[...allOf, ...anyOf].map(fieldsIn)].flatMap((text) => text.split(", "));
  return [...new Set(parts)].filter((text) => text !== "").join(", ");
}
