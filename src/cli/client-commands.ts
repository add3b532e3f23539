import { Command, InvalidArgumentError, Option } from "commander";
import type { ClientView } from "../service/clients/clients.ts";
import { type Permission, permissions } from "../store/client.ts";
import { serviceCommand } from "./run.ts";
import { moment, table, wholeNumber } from "./text.ts";

type UpdateOptions = {
  name?: string;
  permissions?: Permission[];
  scopes?: string[];
  audiences?: string[];
  anySubject?: boolean;
  maxTtl?: number | false;
};

type AddOptions = Required<Pick<UpdateOptions, "permissions" | "scopes" | "audiences">> & {
  anySubject?: boolean;
  maxTtl?: number;
};

const PERMISSIONS = ["--permissions <list>", `separated by commas: ${permissions.join(", ")}`, permissionList] as const;
const SCOPES = ["--scopes <list>", "scope tokens that it may request, separated by commas; * is any"] as const;
const AUDIENCES = [
  "--audiences <list>",
  "audiences that it may request besides the default one, separated by commas; * is any",
] as const;
const ANY_SUBJECT = ["--any-subject", "allow subjects other than the client itself"] as const;
const MAX_TTL = ["--max-ttl <seconds>", "longest lifetime that it may request", wholeNumber] as const;

export function clientCommands(): Command {
  const add = new Command("add")
    .description("add a machine client and print its secret, once")
    .argument("<name>", "name to display")
    .requiredOption(...PERMISSIONS)
    .addOption(new Option(...SCOPES).argParser(list).default([], "none"))
    .addOption(new Option(...AUDIENCES).argParser(list).default([], "none"))
    .option(...ANY_SUBJECT)
    .option(...MAX_TTL)
    .addHelpText(
      "after",
      "\nExample:\n  mintmark clients add billing --permissions issue --scopes invoices:read --any-subject",
    );

  const update = new Command("update")
    .description("change a machine client, at once on every server; tokens that it has received stay valid")
    .argument("<client-id>")
    .option("--name <name>", "name to display")
    .option(...PERMISSIONS)
    .option(SCOPES[0], `${SCOPES[1]}, "" is none`, list)
    .option(AUDIENCES[0], `${AUDIENCES[1]}, "" is none`, list)
    .option(...ANY_SUBJECT)
    .addOption(new Option("--own-subject", "allow no other subject").conflicts("anySubject"))
    .option(...MAX_TTL)
    .option("--no-max-ttl", "limit the lifetime no longer")
    .addHelpText(
      "after",
      "\nExample:\n  mintmark clients update 4f0c2f5e-8a0e-4b0a-9e0b-1a2b3c4d5e6f --scopes invoices:read --max-ttl 600",
    );

  const rotateSecret = new Command("rotate-secret")
    .description("replace the secret of a client and print the new one, once")
    .argument("<client-id>")
    .option("--overlap <seconds>", "how long the earlier secret stays valid", wholeNumber)
    .addHelpText(
      "after",
      "\nExample:\n  mintmark clients rotate-secret 4f0c2f5e-8a0e-4b0a-9e0b-1a2b3c4d5e6f --overlap 3600",
    );

  const remove = new Command("remove")
    .description("remove a client and revoke all its tokens")
    .argument("<client-id>")
    .addHelpText("after", "\nExample:\n  mintmark clients remove 4f0c2f5e-8a0e-4b0a-9e0b-1a2b3c4d5e6f");

  return new Command("clients")
    .description("add, list, change and remove machine clients")
    .addCommand(
      serviceCommand<AddOptions>(add, async (client, { words: [name = ""], options }) => {
        const created = await client.clients.create.mutate({ name, ...options });
        return { json: created, text: `client id      ${created.clientId}\nclient secret  ${created.clientSecret}` };
      }),
    )
    .addCommand(
      serviceCommand(
        new Command("list")
          .description("list the clients and their permissions")
          .addHelpText("after", "\nExample:\n  mintmark clients list"),
        async (client) => {
          const clients = await client.clients.list.query();
          const headings = ["client id", "name", "permissions", "scopes", "audiences", "since", "last used"];
          return { json: clients, text: table(headings, clients.map(row)) };
        },
      ),
    )
    .addCommand(
      serviceCommand<UpdateOptions & { ownSubject?: boolean }>(
        update,
        async (client, { words: [clientId = ""], options: { ownSubject, maxTtl, ...fields } }) => {
          const updated = await client.clients.update.mutate({
            clientId,
            ...fields,
            ...(ownSubject && { anySubject: false }),
            ...(maxTtl !== undefined && { maxTtl: maxTtl === false ? null : maxTtl }),
          });
          return { json: updated, text: `updated ${clientId}` };
        },
      ),
    )
    .addCommand(
      serviceCommand<{ overlap?: number }>(rotateSecret, async (client, { words: [clientId = ""], options }) => {
        const rotated = await client.clients.rotateSecret.mutate({ clientId, ...options });
        return {
          json: rotated,
          text: `client secret  ${rotated.clientSecret}\nthe earlier secret stays valid for ${rotated.overlap} s more`,
        };
      }),
    )
    .addCommand(
      serviceCommand(remove, async (client, { words: [clientId = ""] }) => {
        const removed = await client.clients.remove.mutate({ clientId });
        return { json: removed, text: `removed ${clientId}` };
      }),
    );
}

function row({ clientId, name, permissions, scopes, audiences, createdAt, lastUsedAt }: ClientView): string[] {
  const limits = [permissions, scopes, audiences].map((list) => list.join(","));
  return [clientId, name, ...limits, moment(createdAt), lastUsedAt === undefined ? "never" : moment(lastUsedAt)];
}

function list(word: string): string[] {
  return word
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function permissionList(word: string): Permission[] {
  const named = list(word);
  const known = permissions.filter((permission) => named.includes(permission));
  if (named.length === 0 || known.length !== new Set(named).size) {
    throw new InvalidArgumentError(`It must be of ${permissions.join(", ")}.`);
  }
  return known;
}
