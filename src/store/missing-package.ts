import { StartError } from "../errors.ts";
import { failureCode } from "./failure-code.ts";

/** Turns a failed import of a package or of its native part into a {@link StartError}. Rethrows other errors. */
export function refuseWithout(driver: string): (error: unknown) => never {
  return (error) => {
    const code = failureCode(error) ?? "";
    const [, named = driver] = /Cannot find (?:module|package) '([^']+)'/.exec(String(error)) ?? [];
    if (code === "ERR_DLOPEN_FAILED" || (isMissing(code) && NATIVE.test(named)))
      throw new StartError(
        `The native part of ${driver} for this machine ${code === "ERR_DLOPEN_FAILED" ? "cannot be loaded" : "is missing"} (${code}): remove node_modules and run  npm install  on this machine, without --omit=optional`,
      );
    if (!isMissing(code)) throw error;
    const missing = PACKAGE.test(named) ? named : driver;
    throw new StartError(`The package ${missing} is missing: npm install ${missing}`);
  };
}

function isMissing(code: string): boolean {
  return code.endsWith("MODULE_NOT_FOUND");
}

/** Platform-specific packages. */
const NATIVE = /^@libsql\//;
const PACKAGE = /^(@[\w.-]+\/)?[\w-][\w.-]*$/;
