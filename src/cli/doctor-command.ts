import { createRequire } from "node:module";
import { Command } from "commander";
import type { Finding } from "./doctor/finding.ts";
import { diagnosticCommand } from "./run.ts";
import { checkServiceUrl } from "./service-url.ts";

const { engines } = createRequire(import.meta.url)("../../package.json");

export function doctorCommand(): Command {
  const command = new Command("doctor")
    .description("check the environment, the data, the keys, the clock, the server, the issuer and the proxy")
    .option("--url <url>", "the running server; default: that at HOST and PORT")
    .addHelpText(
      "after",
      "\nExit status 1 if a check failed. It changes nothing but wrong permissions of the data folder.\n\nExample:\n  mintmark doctor --url https://tokens.example",
    );
  return diagnosticCommand<{ url?: string }>(command, async ({ url }) => {
    if (url !== undefined) checkServiceUrl(url);
    const { examine } = await import("./doctor/examine.ts");
    const findings = await examine({ url, engines: engines.node });
    if (findings.some(({ state }) => state === "fail")) process.exitCode = 1;
    return { json: findings, text: findings.map(lines).join("\n") };
  });
}

function lines(finding: Finding): string {
  const { state, check, message } = finding;
  const line = `${state.padEnd(4)}  ${check.padEnd(11)}  ${message}`;
  return finding.state === "ok" ? line : `${line}\n${" ".repeat(19)}${finding.remedy}`;
}
