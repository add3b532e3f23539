import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { buildSync } from "esbuild";
import { type Block, blocksIn, documents, fileOf, ROOT, textOf } from "./documents.ts";
import { replaceAll } from "./guide.ts";

/** All programs in the documents. */
export const programs: readonly Block[] = documents.flatMap(blocksIn).filter(({ language }) => language === "ts");

/** The issuer that the documents call. */
export const ISSUER = "http://127.0.0.1:3000";

/** Packages that only some programs use, installed by  npm ci --prefix test/NAME . */
export type Extra = "logins" | "mcp";

export const hasExtra = (name: Extra): boolean => existsSync(join(ROOT, `test/${name}/node_modules`));

/** The packages of an extra that the project does not have. */
function packagesOf(name: Extra): string[] {
  const { dependencies } = JSON.parse(textOf(`test/${name}/package.json`)) as { dependencies: Record<string, string> };
  return Object.keys(dependencies).filter((one) => !existsSync(join(ROOT, "node_modules", one)));
}

const EXTRAS: readonly Extra[] = ["logins", "mcp"];

/** The extras whose packages a program imports. */
export const extrasOf = ({ code }: Block): Extra[] =>
  EXTRAS.filter((name) => packagesOf(name).some((one) => code.includes(` from "${one}`)));

/** Makes these packages resolvable in a folder, beside those of the project. Theirs stay as they are. */
function linkExtras(folder: string): void {
  for (const extra of EXTRAS.filter(hasExtra))
    for (const name of packagesOf(extra)) {
      const link = join(folder, "node_modules", name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(ROOT, `test/${extra}/node_modules`, name), link, "dir");
    }
}

/** A folder for programs of the documents, below the root of the project, so that `mintmark` is this package. */
export function programFolder(): {
  put(document: string, name: string, code: string): string;
  putBlock(document: string, name: string, replacements?: Readonly<Record<string, string>>): string;
  [Symbol.dispose](): void;
} {
  mkdirSync(join(ROOT, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".cache/documents-"));
  linkExtras(folder);

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

/** Runs a program to its end, with the environment of this process unless one is given. Returns its output. */
export function run(file: string, env: NodeJS.ProcessEnv = process.env): string {
  return execFileSync(process.execPath, [compile(file)], { cwd: dirname(file), env, encoding: "utf8" });
}
