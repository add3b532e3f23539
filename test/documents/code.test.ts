import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { extrasOf, hasExtra, programFolder, programs, run } from "../support/document-code.ts";
import { type Block, blocksIn, documents, fileOf, ROOT } from "../support/documents.ts";
import { testWith } from "../support/optional.ts";

const NEXTJS = "docs/guides/nextjs.md";

const NODE = "--module nodenext --allowImportingTsExtensions";

/** How programs resolve modules: those for Next.js as its compiler does. */
const RESOLUTIONS = {
  [NODE]: (document: string) => document !== NEXTJS,
  "--module esnext --moduleResolution bundler": (document: string) => document === NEXTJS,
};

/** The packages that programs import: `express`, `@trpc/server`. */
const importsOf = (code: string) =>
  [...code.matchAll(/ from "((?:@[\w-]+\/)?[a-z][\w-]*)(?:\/[^"]*)?"/g)].map(([, name = ""]) => name);

describe("the code in the documents", () => {
  it("is named by file, each name once in a document", () => {
    const names = programs.map((block) => `${block.document}: ${fileOf(block)}`);
    expect(names.filter((name, at) => names.indexOf(name) !== at || name.endsWith("undefined"))).toEqual([]);
    expect(names.length).toBeGreaterThan(10);
  });

  function compileAll(options: string, blocks: readonly Block[]): void {
    using folder = programFolder();
    const files = blocks.map((block) => folder.putBlock(block.document, fileOf(block) ?? ""));
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    const common = "--checkers 1 --noEmit --ignoreConfig --strict --target es2023 --skipLibCheck --types node";
    const words = [tsc, ...`${common} ${options}`.split(" "), ...files];
    execFileSync(process.execPath, words, { cwd: ROOT, stdio: "inherit" });
  }

  const [plain, withExtras] = [
    programs.filter((block) => extrasOf(block).length === 0),
    programs.filter((block) => extrasOf(block).length > 0),
  ];

  it.each(Object.entries(RESOLUTIONS))("compiles by %s", (options, isFor) => {
    compileAll(
      options,
      plain.filter(({ document }) => isFor(document)),
    );
  });

  const { MINTMARK_TEST_LOGINS: logins, MINTMARK_TEST_MCP: mcp } = process.env;
  testWith({
    program: "test/logins, or test/mcp,",
    found: hasExtra("logins") && hasExtra("mcp"),
    required: logins === "required" && mcp === "required",
  })("of the guides to logins and to MCP compiles", async () => compileAll(NODE, withExtras));

  it.each(documents.filter((document) => blocksIn(document).some(({ code }) => code.includes("npm install PATH"))))(
    "of %s imports what its commands install",
    (document) => {
      const installed = blocksIn(document).flatMap(({ language, code }) =>
        language === "sh" ? code.split(/\s+/) : [],
      );
      for (const { code } of programs.filter((block) => block.document === document))
        for (const name of importsOf(code))
          if (name !== "mintmark" && name !== "node") expect(installed).toContain(name);
    },
  );
});

it.each([
  ["orders.test.ts", /^# pass 3$/m],
  ["without-tokens.ts", /^$/],
])("the guide to tests has tests that pass: %s", (name, output) => {
  using folder = programFolder();
  expect(run(folder.putBlock("docs/guides/testing.md", name))).toMatch(output);
});

it("the first steps put a token router into another one", () => {
  using folder = programFolder();
  expect(run(folder.putBlock("docs/getting-started.md", "app.ts"))).toBe("3 parts\n");
});
