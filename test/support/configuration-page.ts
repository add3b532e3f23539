import type { Setting } from "../../src/program/settings/setting.ts";
import { defaultOf, settingList } from "../../src/program/settings.ts";

/** The page on configuration, made of the table of settings. */
export function configurationPage(): string {
  const rows = settingList.map((setting) => `| \`${setting.variable}\` | ${defaultOf(setting)} | ${textOf(setting)} |`);
  return `<!-- Generated from src/program/settings.ts by: npm run docs -->

# Configuration

The server and the command line read their settings from environment variables, once, at the start.

| variable | default | meaning |
| --- | --- | --- |
${rows.join("\n")}

- An invalid value ends the start with exit status 1 and one line on standard error, which names the variable and not the value.
- A variable that begins with \`MINTMARK_\` and is not listed here is refused. Variables that Kubernetes and Docker add for a Service named mintmark are ignored.
- An empty variable counts as unset. For ${listOf(({ refuseEmpty }) => refuseEmpty)} it is an error.
- A value is invalid if it begins or ends with white space or a quotation mark, has a line break or a control character, or is not UTF-8.
- A file can hold the value of ${listOf(({ fromFile }) => fromFile)}: \`MINTMARK_KEK_FILE=/run/secrets/kek\` replaces \`MINTMARK_KEK\`. The line break at the end of the file is not part of the value.
- A setting stored with the data applies to every server and command on that data. A server that starts with another value stores it, and records the change in the audit log and in its log.
- \`mintmark config\` prints every setting with its value in force and where that comes from: \`environment\`, the \`_FILE\` variable, \`default\`, or \`stored\`. It hides secrets, and prints of \`DATABASE_URL\` scheme, host, port and database. \`--json\` prints it for programs.
- \`mintmark doctor\` checks the environment and everything that depends on it: [its checks](deployment.md#check-an-installation).
`;
}

function textOf({ doc }: Setting): string {
  return doc.replaceAll("|", "\\|");
}

function listOf(isListed: (setting: Setting) => boolean | undefined): string {
  const names = settingList.filter(isListed).map(({ variable }) => `\`${variable}\``);
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
