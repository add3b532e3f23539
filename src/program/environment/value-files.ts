import { isUtf8 } from "node:buffer";
import { readFileSync, statSync } from "node:fs";
import { StartError } from "../../errors.ts";
import { failureCode } from "../../store/failure-code.ts";

/** Variables whose value can come from a file: each of them has a second one, whose name ends with `_FILE`. */
export const FILE_VARIABLES: readonly string[] = [
  "DATABASE_URL",
  "MINTMARK_SECRET",
  "MINTMARK_KEK",
  "MINTMARK_KEK_PREVIOUS",
  "MINTMARK_ADMIN_SECRET",
  "MINTMARK_CLIENT_SECRET",
];

/** Of a file that holds one value. */
const MAX_BYTES = 65_536;

/**
 * Reads the value of a variable from a file, without the line break at its end. Throws a {@link StartError} that names the
 * `_FILE` variable: neither what the file holds, nor its path, in place of which somebody may have given the secret.
 */
export function readValueFile(variable: string, path: string): string {
  const name = `${variable}_FILE`;
  const wanted = `give the path of a file that holds the value of ${variable}`;
  const refusal = (fault: string) => new StartError(`${name} ${fault}: ${wanted}`);
  const bytes = readRegularFile(path, refusal);
  if (!isUtf8(bytes)) throw refusal("names a file that is not UTF-8");
  const text = bytes.toString("utf8").replace(/\r?\n$/, "");
  if (text === "") throw refusal("names an empty file");
  return text;
}

function readRegularFile(path: string, refusal: (fault: string) => StartError): Buffer {
  try {
    const { size } = checkKind(path, refusal);
    const bytes = size > MAX_BYTES ? undefined : readFileSync(path);
    if (bytes === undefined || bytes.length > MAX_BYTES) throw refusal(`names a file of more than ${MAX_BYTES} bytes`);
    return bytes;
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    throw refusal(whyUnreadable(failureCode(cause)));
  }
}

/** A pipe or a device may never end, or never begin. */
function checkKind(path: string, refusal: (fault: string) => StartError) {
  const found = statSync(path);
  if (found.isDirectory()) throw refusal("names a folder");
  if (!found.isFile()) throw refusal("names a pipe or a device");
  return found;
}

function whyUnreadable(code: string | undefined): string {
  if (code === "ENOENT" || code === "ENOTDIR") return "names no file that there is";
  if (code === "EACCES" || code === "EPERM") return "names a file that this user may not read";
  return `names a file that cannot be read${code === undefined ? "" : ` (${code})`}`;
}
