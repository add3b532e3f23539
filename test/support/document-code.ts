import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { buildSync } from "esbuild";
import { type Block, blocksIn, documents, fileOf, ROOT } from "./documents.ts";
import { replaceAll } from "./guide.ts";

/** All programs in the documents. */
export const programs: readonly Block[] = documents.flatMap(blocksIn).filter(({ language }) => language === "ts");

/** The issuer that the documents call. */
export const ISSUER = "http://127.0.0.1:3000";

/** A folder for programs of the documents, below the root of the project, so that `mintmark` is this package. */
export function programFolder(): {
  put(document: string, name: string, code: string): string;
  putBlock(document: string, name: string, replacements?: Readonly<Record<string, string>>): string;
  [Symbol.dispose](): void;
} {
  mkdirSync(join(ROOT, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".cache/documents-"));

  function put(document: string, name: string, code: string): string {
    const file = join(folder, document.replace(/\.md$/, ""), name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, code);
    return file;
  }

  return {
    put,
    putBlock(document, name, replacements = {}) {
      const block = programs.find((one) => one.document === document && fileOf(one) === name);
      if (block === undefined) throw new Error(`${document} has no ${name}`);
      return put(document, name, replaceAll(block.code, replacements));
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Compiles a program with its own modules into one file, which starts in a third of the CPU time of `tsx`. Returns its path. */
export function compile(file: string): string {
  const outfile = file.replace(/\.ts$/, ".mjs");
  buildSync({ entryPoints: [file], outfile, bundle: true, packages: "external", platform: "node", format: "esm" });
  return outfile;
}

/** Runs a program to its end. Returns its output. */
export function run(file: string): string {
  return execFileSync(process.execPath, [compile(file)], { cwd: dirname(file), encoding: "utf8" });
}
