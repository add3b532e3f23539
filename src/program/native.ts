import { createRequire } from "node:module";
import { refuseWithout } from "../store/missing-package.ts";

/**
 * Throws a `StartError` where the driver of the embedded database cannot be loaded. By `require`, since an import of
 * CommonJS that throws also rejects a promise that nothing can catch (Node 20), and that ends the process with a stack.
 */
export function requireSqliteDriver(): void {
  try {
    createRequire(import.meta.url)("libsql");
  } catch (cause) {
    refuseWithout("libsql")(cause);
  }
}
