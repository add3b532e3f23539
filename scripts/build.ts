/** Makes what is published: the compiled sources, and the files of Swagger UI that `/docs` serves. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const dist = join(import.meta.dirname, "..", "dist");
const swaggerUi = dirname(require.resolve("swagger-ui-dist/package.json"));
const typescript = dirname(require.resolve("typescript/package.json"));

rmSync(dist, { recursive: true, force: true });
execFileSync(process.execPath, [join(typescript, "bin", "tsc"), "-p", "src"], { stdio: "inherit" });
mkdirSync(join(dist, "swagger-ui"));
for (const file of [
  "swagger-ui.css",
  "swagger-ui-bundle.js",
  "swagger-ui-bundle.js.LICENSE.txt",
  "LICENSE",
  "NOTICE",
]) {
  cpSync(join(swaggerUi, file), join(dist, "swagger-ui", file));
}
