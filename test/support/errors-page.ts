import { catalogue, type Reason } from "../../src/errors.ts";
import { explanations } from "../../src/explanations.ts";
import { textOf } from "./documents.ts";

/** The headings of the page, each before the first reason of its table. */
const HEADINGS: { [reason in Reason]?: string } = {
  invalid_token: "Tokens",
  invalid_client: "Clients",
  unknown_key: "Keys",
  too_many_attempts: "Limits",
  invalid_request: "Requests",
  verifier_stale: "The service",
};

const LINKS: Record<string, string> = {
  limits: "limits.md",
  "the procedures": "api.md#procedures",
  "browser apps": "guides/browser.md",
};

/** The page on errors: its introduction as it is, and tables made of the catalogue and its explanations. */
export function errorsPage(): string {
  const [introduction] = textOf("docs/errors.md").split("\n## ");
  const rows = Object.entries(explanations).map(([name, { meaning, remedy }]) => {
    const reason = name as Reason;
    const linked = remedy.replace(/(limits|the procedures|browser apps)(?=\.$)/, (text) => `[${text}](${LINKS[text]})`);
    return `${headingOf(reason)}| \`${reason}\` | ${catalogue[reason].status} | ${meaning} | ${linked} |\n`;
  });
  return `${introduction}${rows.join("")}`;
}

function headingOf(reason: Reason): string {
  const heading = HEADINGS[reason];
  const head = "| reason | status | meaning | what to do |\n| --- | --- | --- | --- |\n";
  return heading === undefined ? "" : `\n## ${heading}\n\n${head}`;
}
