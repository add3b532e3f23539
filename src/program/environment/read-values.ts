import { StartError } from "../../errors.ts";
import { isServiceLink } from "./service-links.ts";
import { FILE_VARIABLES, readValueFile } from "./value-files.ts";
import { textFault } from "./value-text.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Values by the names of their variables, and by which name a message should call each. */
export type Values = { values: Readonly<Record<string, string>>; nameOf: (variable: string) => string };

/** Secrets of which an empty value is a mistake rather than none. */
const NEVER_EMPTY: ReadonlySet<string> = new Set(["MINTMARK_SECRET", "MINTMARK_KEK", "MINTMARK_ADMIN_SECRET"]);

/**
 * Takes the values of known variables from an environment, those of `_FILE` variables from their files. What Kubernetes
 * and Docker add beside a service named mintmark is passed over. Throws a {@link StartError} for any other variable that
 * begins with `MINTMARK_`, and for a value that is wrong whatever it is for, by name and without the value.
 */
export function readValues(environment: Environment, known: ReadonlySet<string>): Values {
  refuseUnknown(environment, known);
  const values: Record<string, string> = {};
  const files = new Set<string>();
  for (const variable of known) {
    const value = environment[variable];
    const path = FILE_VARIABLES.includes(variable) ? environment[`${variable}_FILE`] : undefined;
    if (value && path) throw new StartError(`${variable} and ${variable}_FILE are both set: unset one of them`);
    if (path) {
      files.add(variable);
      refuseFaulty(`${variable}_FILE`, path);
      values[variable] = readValueFile(variable, path);
    } else if (value || (value === "" && NEVER_EMPTY.has(variable))) values[variable] = value;
    else if (path === "" && NEVER_EMPTY.has(variable))
      throw new StartError(`${variable}_FILE is empty: give the path of a file, or unset it`);
  }
  const nameOf = (variable: string) => (files.has(variable) ? `${variable} (from ${variable}_FILE)` : variable);
  for (const [variable, value] of Object.entries(values)) refuseFaulty(nameOf(variable), value);
  return { values, nameOf };
}

function refuseUnknown(environment: Environment, known: ReadonlySet<string>): void {
  const files = new Set(FILE_VARIABLES.map((variable) => `${variable}_FILE`));
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith("MINTMARK_") || !value || known.has(name) || files.has(name)) continue;
    if (isServiceLink(name, value)) continue;
    throw new StartError(`${name} is not a variable of Mintmark's: see  mintmark serve --help`);
  }
}

function refuseFaulty(name: string, text: string): void {
  const fault = textFault(text);
  if (fault !== undefined) throw new StartError(`${name} ${fault}`);
}
