import { Command } from "commander";
import { StartError } from "../errors.ts";
import { httpOrigin } from "../http/listen.ts";
import { readConfig } from "../program/config.ts";
import { reachable } from "../program/welcome.ts";
import { print, reportFailure } from "./run.ts";
import { checkServiceUrl } from "./service-url.ts";

type SignInOptions = { client: string; url?: string; scope: string; resource?: string; json?: boolean };

/** `mintmark sign-in`: gets tokens of a person, as an application on this machine does. */
export function signInCommand(): Command {
  const command = new Command("sign-in")
    .description("sign in by a browser on this machine, and print the access token of that person")
    .requiredOption("--client <id>", "a public client with the redirect URI http://127.0.0.1/callback")
    .option("--url <url>", "the service; default: the one configured for this machine")
    .option("--scope <scope>", "scope tokens, separated by spaces", "openid")
    .option("--resource <audience>", "the resource that the token is for; default: the default audience")
    .option("--json", "print all tokens as JSON, for programs")
    .addHelpText(
      "after",
      [
        "",
        "Example:",
        "  mintmark clients add shop --public --redirect-uri http://127.0.0.1/callback",
        "  mintmark sign-in --client CLIENT_ID",
      ].join("\n"),
    );
  return command.action(() => reportFailure(() => signIn(command.opts<SignInOptions>()), explain));
}

async function signIn({ client, scope, resource, json, url = configuredUrl() }: SignInOptions): Promise<void> {
  checkServiceUrl(url);
  const { signInByLoopback } = await import("./loopback-sign-in.ts");
  const onUrl = (address: string) =>
    process.stderr.write(`Open this address in a browser on this machine:\n\n  ${address}\n\n`);
  const tokens = await signInByLoopback({ url, clientId: client, scope, resource, onUrl });
  print(json ? JSON.stringify(tokens) : tokens.access_token);
}

function configuredUrl(): string {
  const { issuer, host, port } = readConfig();
  return issuer ?? reachable(httpOrigin(host, port));
}

/** The errors of OAuth in one sentence. They contain no secret: the library keeps tokens and codes out of messages. */
function explain(error: unknown): string {
  if (error instanceof StartError) return error.message;
  const { error: code, error_description: description = "" } = error as { error?: string; error_description?: string };
  if (code !== undefined) return `The service refused: ${code}. ${description}`.trim();
  return "The sign-in failed: check the URL, that the service runs, and that it signs people in";
}
