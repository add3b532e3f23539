/**
 * Builds, and packs the package into this folder: the file that users install, and that  npm publish FILE  publishes.
 *
 *     npm run pack
 */
import { pack } from "../test/support/pack.ts";

process.stdout.write(`${pack(process.cwd())}\n`);
