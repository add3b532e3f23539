import { createRequire } from "node:module";
import { refuseWithout } from "../store/missing-package.ts";

/**
 * Throws a `StartError` where the driver of the embedded database cannot be loaded. Uses `require`: in Node 20 an import
 * of CommonJS that throws also rejects a promise that no code can catch, which ends the process with a stack.
 */
export function requireSqliteDriver(): void {
  try {
    createRequire(import.meta.url)("libsql");
  } catch (cause) {
    refuseWithout("libsql")(cause);
  }
}
