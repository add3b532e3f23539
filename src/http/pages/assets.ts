import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { errorCode } from "../../store/sqlite/data-directory.ts";
import type { Document } from "../respond.ts";

/**
 * A file that the build puts below `dist`, as a document. A server that was bundled into one file looks for it beside that
 * file, too. Where it is in neither place, a 404 says what to do.
 *
 * Not by a URL that is relative to this module: bundlers resolve it when they build, and fail where it names a folder.
 */
export async function assetDocument(path: string, type: string): Promise<Document> {
  const here = await ownFolder();
  // This module is three levels below the package, and two where it is a part of a program.
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

/** A bundle of CommonJS has no URL, but a `__dirname`. */
async function ownFolder(): Promise<string | undefined> {
  const { ownUrl } = await import("./own-url.ts").catch(() => ({ ownUrl: undefined }));
  if (ownUrl?.startsWith("file:")) return dirname(fileURLToPath(ownUrl));
  return typeof __dirname === "string" ? __dirname : undefined;
}
