/** Builds `dist`: the compiled sources, the programs, the files of the pages, and Swagger UI for `/docs`. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { bundle, bundleScripts } from "./bundle.ts";

const require = createRequire(import.meta.url);
const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
const swaggerUi = dirname(require.resolve("swagger-ui-dist/package.json"));
const typescript = dirname(require.resolve("typescript/package.json"));

// Built beside the old one and renamed at the end: a server may run from there.
const next = `${dist}.${process.pid}`;
const tsc = join(typescript, "bin", "tsc");
// Of the four checkers that are the default, each does work that the others do, too.
const words = ["-p", "src", "--checkers", "2", "--outDir", next];
execFileSync(process.execPath, [tsc, ...words], { cwd: root, stdio: "inherit" });
await bundle([join(next, "program/main.js"), join(next, "cli/mintmark.js")], join(next, "bin"));
// The bundles contain them.
for (const part of ["cli", "program"]) rmSync(join(next, part), { recursive: true });
const pages = join(root, "src/http/pages/browser");
await bundleScripts(
  ["start", "docs", "form-post"].map((name) => join(pages, `${name}.ts`)),
  join(next, "pages"),
);
for (const file of ["start.html", "start.css", "docs.html", "docs.css", "sign-in.css"])
  cpSync(join(pages, file), join(next, "pages", file));
mkdirSync(join(next, "swagger-ui"));
for (const file of [
  "swagger-ui.css",
  "swagger-ui-bundle.js",
  "swagger-ui-bundle.js.LICENSE.txt",
  "LICENSE",
  "NOTICE",
]) {
  cpSync(join(swaggerUi, file), join(next, "swagger-ui", file));
}
rmSync(dist, { recursive: true, force: true });
renameSync(next, dist);
