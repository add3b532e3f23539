/** Uses the package without a framework: in Node, in Bun and in Deno. */
import { cells } from "./cells.mjs";

const [cell, ...words] = globalThis.Deno?.args ?? process.argv.slice(2);
await cells[cell](...words);
globalThis.Deno?.exit(0);
process.exit(0);
