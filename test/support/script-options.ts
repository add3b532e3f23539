import { readFileSync } from "node:fs";
import { type ParseArgsConfig, parseArgs } from "node:util";

/** Parses the options of a script. `--help` prints the usage and exits with 0, a wrong option with 2. */
export function readOptions<const Options extends NonNullable<ParseArgsConfig["options"]>>(
  usage: string,
  options: Options,
) {
  return readArguments(usage, { options }).values;
}

/** The same with what else {@link parseArgs} reads. */
export function readArguments<const Config extends ParseArgsConfig>(usage: string, config: Config) {
  const parsed = parseOrRefuse(usage, config);
  if (!Object.hasOwn(parsed.values, "help")) return parsed;
  process.stdout.write(usage);
  process.exit(0);
}

function parseOrRefuse<const Config extends ParseArgsConfig>(usage: string, config: Config) {
  try {
    return parseArgs(config);
  } catch {
    return refuse(usage);
  }
}

/** Prints the usage of a script that was called wrongly, and exits with 2. */
export function refuse(usage: string): never {
  process.stderr.write(usage);
  process.exit(2);
}

/** The comment at the beginning of a script, which is its usage. */
export function usageIn(file: string): string {
  const [, comment = ""] = /^\/\*\*\n([\s\S]*?)\n \*\//.exec(readFileSync(file, "utf8")) ?? [];
  return `${comment.replace(/^ \* ?/gm, "")}\n`;
}
