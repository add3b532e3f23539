import { StartError } from "../../errors.ts";
import { settingList } from "../settings.ts";
import { isServiceLink } from "./service-links.ts";
import { readValueFile } from "./value-files.ts";
import { validateJsonText } from "./value-text.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Texts by variable, and the name of each in messages, which names its file, too. */
export type Values = { values: Readonly<Record<string, string>>; nameOf: (variable: string) => string };

const FILE_VARIABLES: ReadonlySet<string> = new Set(
  settingList.filter(({ fromFile }) => fromFile).map(({ variable }) => `${variable}_FILE`),
);
const KNOWN: ReadonlySet<string> = new Set([...settingList.map(({ variable }) => variable), ...FILE_VARIABLES]);

/**
 * Reads the values of all settings from an environment, those of `_FILE` variables from their files. Ignores what
 * Kubernetes and Docker add beside a service named mintmark. Throws a {@link StartError} for any other variable that
 * begins with `MINTMARK_`, and for a text that no setting can have. The message names the variable, never the value.
 */
export function readValues(environment: Environment): Values {
  refuseUnknown(environment);
  const values: Record<string, string> = {};
  const files = new Set<string>();
  for (const { variable, fromFile, refuseEmpty } of settingList) {
    const value = environment[variable];
    const path = fromFile && environment[`${variable}_FILE`];
    if (value && path) throw new StartError(`${variable} and ${variable}_FILE are both set: unset one of them`);
    if (path) {
      files.add(variable);
      refuseFaulty(`${variable}_FILE`, path);
      values[variable] = readValueFile(variable, path);
    } else if (value || (value === "" && refuseEmpty)) values[variable] = value;
    else if (path === "" && refuseEmpty)
      throw new StartError(`${variable}_FILE is empty: give the path of a file, or unset it`);
  }
  const nameOf = (variable: string) => (files.has(variable) ? `${variable} (from ${variable}_FILE)` : variable);
  for (const [variable, value] of Object.entries(values)) refuseFaulty(nameOf(variable), value);
  return { values, nameOf };
}

function refuseUnknown(environment: Environment): void {
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith("MINTMARK_") || !value || KNOWN.has(name) || isServiceLink(name, value)) continue;
    throw new StartError(`${name} is no variable of Mintmark: see  mintmark serve --help`);
  }
}

function refuseFaulty(name: string, text: string): void {
  const fault = validateJsonText(text);
  if (fault !== undefined) throw new StartError(`${name} ${fault}`);
}
