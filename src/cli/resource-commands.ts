import { Command, InvalidArgumentError } from "commander";
import type { Resource } from "../store/resource.ts";
import { serviceCommand } from "./run.ts";
import { moment, table } from "./text.ts";

type AddOptions = { name?: string; scope?: Record<string, string>; open?: boolean };

export function resourceCommands(): Command {
  const add = new Command("add")
    .description("add a service that accepts tokens, so that clients can request tokens for it")
    .argument("<audience>", "an absolute URI without a fragment: the audience of its tokens")
    .option("--name <name>", "name to display; default: the host of the URL")
    .option("--scope <token=description>", "a scope that it has, in words; repeat it for each scope", addScope)
    .option("--open", "also for clients that introduce themselves")
    .addHelpText(
      "after",
      "\nExample:\n  mintmark resources add https://api.example/mcp --scope 'tools:read=Read your tools' --open",
    );

  const list = new Command("list")
    .description("list the resources and their scopes")
    .addHelpText("after", "\nExample:\n  mintmark resources list");

  const remove = new Command("remove")
    .description("remove a resource; its tokens stay valid")
    .argument("<audience>")
    .addHelpText("after", "\nExample:\n  mintmark resources remove https://api.example/mcp");

  return new Command("resources")
    .description("add, list and remove services that accept tokens")
    .addCommand(
      serviceCommand<AddOptions>(add, async (client, { words: [audience = ""], options }) => {
        const { name = hostOf(audience), scope: scopes = {}, open = false } = options;
        const created = await client.resources.create.mutate({ audience, name, scopes, open });
        return { json: created, text: `added ${audience}` };
      }),
    )
    .addCommand(
      serviceCommand(list, async (client) => {
        const resources = await client.resources.list.query();
        return { json: resources, text: table(["audience", "name", "scopes", "open", "since"], resources.map(row)) };
      }),
    )
    .addCommand(
      serviceCommand(remove, async (client, { words: [audience = ""] }) => {
        const removed = await client.resources.remove.mutate({ audience });
        return { json: removed, text: `removed ${audience}` };
      }),
    );
}

function row({ audience, name, scopes, open, createdAt }: Resource): string[] {
  return [audience, name, Object.keys(scopes).join(","), open ? "yes" : "no", moment(createdAt)];
}

/** The host of a URL. The whole text where it has none, such as a URN. */
function hostOf(audience: string): string {
  const host = URL.canParse(audience) ? new URL(audience).host : "";
  return host === "" ? audience : host;
}

/** Adds `token=description` to the scopes before it. A token has a description only once. */
function addScope(word: string, scopes: Record<string, string> = {}): Record<string, string> {
  const [, token = "", description = ""] = /^([^=]+)=(.+)$/s.exec(word) ?? [];
  if (token === "") throw new InvalidArgumentError("It must be a scope token, = and a description.");
  if (Object.hasOwn(scopes, token)) throw new InvalidArgumentError("It must not describe a scope token twice.");
  return { ...scopes, [token]: description };
}
