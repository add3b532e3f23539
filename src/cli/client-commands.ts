import { Command, Option } from "commander";
import type { ClientView } from "../service/clients/clients.ts";
import type { Permission } from "../store/client.ts";
import {
  ANY_SUBJECT,
  AUDIENCES,
  addMetadataOptions,
  addMethodOptions,
  authentication,
  list,
  MAX_TTL,
  type MetadataOptions,
  type MethodOptions,
  metadataInput,
  PERMISSIONS,
  SCOPES,
} from "./client-options.ts";
import { serviceCommand } from "./run.ts";
import { moment, table, wholeNumber } from "./text.ts";

type UpdateOptions = MetadataOptions & {
  name?: string;
  permissions?: Permission[];
  scopes?: string[];
  audiences?: string[];
  anySubject?: boolean;
  ownSubject?: boolean;
  maxTtl?: number | false;
  backchannelLogoutUri?: string | false;
};

type AddOptions = MetadataOptions &
  MethodOptions & {
    permissions?: Permission[];
    backchannelLogoutUri?: string;
    scopes: string[];
    audiences: string[];
    anySubject?: boolean;
    maxTtl?: number;
  };

export function clientCommands(): Command {
  const add = new Command("add")
    .description("add a client and print its secret, once")
    .argument("<name>", "name to display")
    .option(PERMISSIONS[0], `${PERMISSIONS[1]}; needed without --redirect-uri and --public`, PERMISSIONS[2])
    .addOption(new Option(...SCOPES).argParser(list).default([], "none"))
    .addOption(new Option(...AUDIENCES).argParser(list).default([], "none"))
    .option(...ANY_SUBJECT)
    .option(...MAX_TTL);
  addMetadataOptions(addMethodOptions(add)).hook("preAction", requirePermissions).addHelpText("after", ADD_EXAMPLES);

  const update = new Command("update")
    .description("change a client, at once on every server; tokens that it has received stay valid")
    .argument("<client-id>")
    .option("--name <name>", "name to display")
    .option(...PERMISSIONS)
    .option(SCOPES[0], `${SCOPES[1]}, "" is none`, list)
    .option(AUDIENCES[0], `${AUDIENCES[1]}, "" is none`, list)
    .option(...ANY_SUBJECT)
    .addOption(new Option("--own-subject", "allow no other subject").conflicts("anySubject"))
    .option(...MAX_TTL)
    .option("--no-max-ttl", "limit the lifetime no longer");
  addMetadataOptions(update, ', "" is none')
    .option("--no-first-party", "ask people for consent")
    .option("--no-backchannel-logout-uri", "call no URL when a session ends")
    .addHelpText("after", UPDATE_EXAMPLES);

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
    .description("add, list, change and remove clients")
    .addCommand(
      serviceCommand<AddOptions>(add, async (client, { words: [name = ""], options }) => {
        const { public: isPublic, permissions = [], ...fields } = options;
        const created = await client.clients.create.mutate({
          name,
          permissions,
          ...metadataInput(fields),
          ...(isPublic && { authMethod: "none" }),
        });
        return { json: created, text: `client id      ${created.clientId}\n${credentialLine(created)}` };
      }),
    )
    .addCommand(
      serviceCommand(
        new Command("list")
          .description("list the clients and their permissions")
          .addHelpText("after", "\nExample:\n  mintmark clients list"),
        async (client) => {
          const clients = await client.clients.list.query();
          const headings = ["client id", "name", "permissions", "scopes", "audiences", "method", "since", "last used"];
          return { json: clients, text: table(headings, clients.map(row)) };
        },
      ),
    )
    .addCommand(
      serviceCommand<UpdateOptions>(update, async (client, { words: [clientId = ""], options }) => {
        const { ownSubject, maxTtl, backchannelLogoutUri, ...fields } = options;
        const updated = await client.clients.update.mutate({
          clientId,
          ...metadataInput(fields),
          ...(ownSubject && { anySubject: false }),
          ...(maxTtl !== undefined && { maxTtl: maxTtl === false ? null : maxTtl }),
          ...(backchannelLogoutUri !== undefined && { backchannelLogoutUri: backchannelLogoutUri || null }),
        });
        return { json: updated, text: `updated ${clientId}` };
      }),
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

const ADD_EXAMPLES = `
Examples:
  mintmark clients add billing --permissions issue --scopes invoices:read --any-subject
  mintmark clients add web --redirect-uri https://app.example/callback --first-party
  mintmark clients add cli --public --redirect-uri http://127.0.0.1/callback
  mintmark clients add ci --permissions issue --jwks-uri https://ci.example/jwks.json`;

const UPDATE_EXAMPLES = `
Examples:
  mintmark clients update 4f0c2f5e-8a0e-4b0a-9e0b-1a2b3c4d5e6f --scopes invoices:read --max-ttl 600
  mintmark clients update 4f0c2f5e-8a0e-4b0a-9e0b-1a2b3c4d5e6f --redirect-uri https://app.example/callback`;

/** Only a client of people needs no permissions. */
function requirePermissions(add: Command): void {
  const { permissions, redirectUri, public: isPublic, authMethod } = add.opts<AddOptions>();
  if (permissions === undefined && redirectUri === undefined && !isPublic && authMethod !== "none")
    add.error(`error: required option '${PERMISSIONS[0]}' not specified`);
}

function credentialLine(client: ClientView & { clientSecret: string }): string {
  return client.clientSecret === ""
    ? `authenticates  ${authentication(client)}`
    : `client secret  ${client.clientSecret}`;
}

function row(client: ClientView): string[] {
  const { clientId, name, permissions, scopes, audiences, authMethod, createdAt, lastUsedAt, introduced } = client;
  const limits = [permissions, scopes, audiences].map((list) => list.join(","));
  const method = introduced === undefined ? authMethod : `${authMethod} (by ${introduced})`;
  const used = lastUsedAt === undefined ? "never" : moment(lastUsedAt);
  return [clientId, name, ...limits, method, moment(createdAt), used];
}
