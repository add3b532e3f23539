import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

/** Every document of the project: those at the top, and all of `docs`. */
export const documents: readonly string[] = [
  ...readdirSync(ROOT).filter((name) => name.endsWith(".md")),
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
].sort();

export type Block = { document: string; language: string; code: string };

export function textOf(document: string): string {
  return readFileSync(join(ROOT, document), "utf8");
}

/** The fenced blocks of a document, in order. */
export function blocksIn(document: string): Block[] {
  return [...textOf(document).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = "", code = ""]) => ({
    document,
    language,
    code,
  }));
}

/** The file name in the first line of a block of TypeScript. */
export function fileOf({ code }: Block): string | undefined {
  return /^\/\/ (\S+\.ts)\n/.exec(code)?.[1];
}

/** Relative links, as paths from the root of the project, with their anchors. */
export function linksIn(document: string): { path: string; anchor: string | undefined }[] {
  const text = textOf(document).replace(/^```[\s\S]*?^```$/gm, "");
  return [...text.matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)]*))?\)/g)].map(([, path = "", anchor]) => ({
    path: path === "" ? document : join(dirname(document), path),
    anchor,
  }));
}

/** The anchors of the headings of a document. */
export function anchorsIn(document: string): string[] {
  const text = textOf(document).replace(/^```[\s\S]*?^```$/gm, "");
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-"),
  );
}
