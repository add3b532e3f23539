import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT, run } from "./project.ts";

const TYPED = `
import { createTokenService, type TokenRouter } from "mintmark";
import { createTokenClient } from "mintmark/client";
import { createVerifier } from "mintmark/verifier";
import { z } from "zod";
const claims = z.object({ role: z.enum(["reader", "writer"]) });
export const service = createTokenService({ claims });
export const role = async (token: string): Promise<"reader" | "writer"> => {
  const client = createTokenClient<TokenRouter<typeof claims>>({ url: "http://127.0.0.1:3000" });
  await client.getToken.query({ claims: { role: "reader" } });
  // @ts-expect-error: the claims are typed
  await client.getToken.query({ claims: { role: "emperor" } });
  return (await createVerifier({ issuer: "https://x", audience: "x", claims }).verify(token)).role;
};
`;

/** Not for CommonJS resolved by Node: tRPC has other types there, which the procedures of a module do not fit. */
const TYPED_TRPC = `
import { initTRPC } from "@trpc/server";
import { type BearerContext, trpcAuth } from "mintmark/verifier/trpc";
export const auth = trpcAuth(createVerifier({ issuer: "https://x", audience: "x", claims }));
const { procedure } = initTRPC.context<BearerContext>().create();
export const query = procedure.concat(auth.procedure).query(({ ctx }): "reader" | "writer" => ctx.auth.role);
// @ts-expect-error: the claims are typed
export const wrong = procedure.concat(auth.procedure).query(({ ctx }): "emperor" => ctx.auth.role);
`;

/** Consumers in TypeScript, by their resolution of modules and the kind of their own. */
const RESOLUTIONS = {
  "nodenext, a module": ["typed.mts", "--module", "nodenext", "--moduleResolution", "nodenext"],
  "nodenext, CommonJS": ["typed.cts", "--module", "nodenext", "--moduleResolution", "nodenext"],
  bundler: ["typed.ts", "--module", "esnext", "--moduleResolution", "bundler"],
};

/**
 * Compiles typed consumers and the declarations of the package with the compiler of this repository, and with TypeScript 5,
 * which alone resolves modules like Node 10.
 */
export function compilers(project: string): Record<string, () => Promise<string>> {
  const [own, earlier] = [ROOT, project].map((folder) => join(folder, "node_modules/typescript/bin/tsc"));
  const common = ["--noEmit", "--strict", "--target", "es2023", "--types", "node"];
  const compile = async (tsc: string | undefined, file: string, words: readonly string[]) => {
    writeFileSync(join(project, file), file.endsWith(".cts") ? TYPED : TYPED + TYPED_TRPC);
    await run([process.execPath, tsc ?? "", ...common, ...words, file], { cwd: project });
    return "compiles";
  };
  const steps = Object.entries(RESOLUTIONS).map(([name, [file = "", ...words]]) => [
    `TypeScript (${name})`,
    () => compile(own, file, words),
  ]);
  return {
    ...Object.fromEntries(steps),
    "TypeScript 5 (node10, CommonJS)": () => compile(earlier, "typed.ts", NODE10),
  };
}

const NODE10 = ["--module", "commonjs", "--moduleResolution", "node10", "--esModuleInterop"];
