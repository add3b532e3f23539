import { isUtf8 } from "node:buffer";
import { readFileSync, statSync } from "node:fs";
import { StartError } from "../../errors.ts";
import { failureCode } from "../../store/failure-code.ts";

/** Largest file of a value. */
const MAX_BYTES = 65_536;

/**
 * Reads the value of a variable from a file, without the line break at its end. Throws a {@link StartError} that names
 * the `_FILE` variable. It quotes neither the content nor the path: the path may be the secret itself, set by mistake.
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

/** Refuses pipes and devices: reading one may block or never end. */
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
