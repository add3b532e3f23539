/**
 * Builds, and packs the package into this folder: the file that users install, and that  npm publish FILE  publishes.
 *
 *     npm run pack
 *
 * `npm run check` names another folder, and checks the file.
 */
import { mkdirSync } from "node:fs";
import { pack } from "../test/support/pack.ts";

const folder = process.argv[2] ?? process.cwd();
mkdirSync(folder, { recursive: true });
process.stdout.write(`${pack(folder)}\n`);
