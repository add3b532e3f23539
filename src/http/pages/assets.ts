import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { errorCode } from "../../store/sqlite/data-directory.ts";
import type { Document } from "../respond.ts";

/**
 * A file below `dist`, or beside a single-file bundle; a 404 that names the file if it is missing.
 *
 * Not by a URL relative to this module: bundlers resolve it at build time and fail for a directory.
 */
export async function assetDocument(path: string, type: string): Promise<Document> {
  const here = await ownFolder();
  // The package is three levels above this module, two above a program, and beside a bundle.
  for (const folder of here === undefined ? [] : ["../../../dist", "../../dist", "."]) {
    try {
      return { type, body: readFileSync(join(here ?? "", folder, path)) };
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
    }
  }
  const body = `A file of this page is missing: copy node_modules/mintmark/dist/${path} to ${path} beside the bundle\n`;
  return { status: 404, type: "text/plain; charset=utf-8", body, cacheControl: "no-store" };
}

/** A CommonJS bundle has `__dirname` and no URL. */
async function ownFolder(): Promise<string | undefined> {
  const { ownUrl } = await import("./own-url.ts").catch(() => ({ ownUrl: undefined }));
  if (ownUrl?.startsWith("file:")) return dirname(fileURLToPath(ownUrl));
  return typeof __dirname === "string" ? __dirname : undefined;
}
