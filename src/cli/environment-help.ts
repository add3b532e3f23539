import { defaultOf, settingList } from "../program/settings.ts";

/** The part of `mintmark serve --help` that lists the settings. */
export function environmentHelp(): string {
  const width = Math.max(...settingList.map(({ variable }) => variable.length));
  const lines = settingList.map((setting) => {
    const standard = defaultOf(setting);
    return `  ${setting.variable.padEnd(width)}  ${setting.doc}${standard && ` (${standard})`}`;
  });
  const files = settingList.filter(({ fromFile }) => fromFile).map(({ variable }) => variable);
  return `
Environment (default):
${lines.join("\n").replaceAll("`", "")}

  A file can hold the value of ${files.join(", ")}:
  MINTMARK_KEK_FILE=/run/secrets/kek. The line break at the end of the file is not part of the value.

Example:
  PORT=4000 MINTMARK_DATA=/var/lib/mintmark mintmark serve`;
}
