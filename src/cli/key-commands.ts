import { Command, Option } from "commander";
import { StartError } from "../errors.ts";
import { KEY_PAIR_ALGORITHMS, type KeyPairAlgorithm } from "../keys/public-jwk.ts";
import { readConfig } from "../program/config.ts";
import type { KeyView } from "../service/keys/key-management.ts";
import { print, type Result, reportFailure, serviceCommand } from "./run.ts";
import { moment, table } from "./text.ts";

export function keyCommands(): Command {
  const list = new Command("list")
    .description("list the keys and their states; times are in UTC")
    .addHelpText("after", "\nExample:\n  mintmark keys list --json");

  const rotate = new Command("rotate")
    .description("create the next key; it is published first and signs later")
    .option("--immediate", "sign with it immediately, as after a leak")
    .addOption(
      new Option(
        "--alg <algorithm>",
        "the algorithm of this key and of all later ones; default: that of the service",
      ).choices(KEY_PAIR_ALGORITHMS),
    )
    .addHelpText("after", "\nExample:\n  mintmark keys rotate --immediate");

  return new Command("keys")
    .description("list, rotate and revoke keys")
    .addCommand(serviceCommand(list, async (client) => keyTable(await client.keys.list.query())))
    .addCommand(
      serviceCommand<{ immediate?: boolean; alg?: KeyPairAlgorithm }>(rotate, async (client, { options }) =>
        keyTable(await client.keys.rotate.mutate(options)),
      ),
    )
    .addCommand(revokeCommand("revoke"))
    .addCommand(revokeCommand("kill"), { hidden: true })
    .addCommand(rewrapCommand());
}

/** `kill` is its earlier name. */
function revokeCommand(name: "revoke" | "kill"): Command {
  const revoke = new Command(name)
    .description("revoke a key and all tokens that it signed")
    .argument("<kid>", "the kid of the key, as `keys list` prints it")
    .addHelpText("after", "\nExample:\n  mintmark keys revoke NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  return serviceCommand(revoke, async (client, { words: [keyId = ""] }) => {
    const revoked = await client.revoke.mutate({ keyId });
    return { json: revoked, text: `revoked ${keyId}` };
  });
}

function rewrapCommand(): Command {
  return new Command("rewrap")
    .description(
      "encrypt the private keys of this machine's data with MINTMARK_KEK; MINTMARK_KEK_PREVIOUS decrypts those that are encrypted",
    )
    .addHelpText("after", "\nExample:\n  MINTMARK_KEK_PREVIOUS=… MINTMARK_KEK=… mintmark keys rewrap")
    .action(() =>
      reportFailure(async () => {
        const config = readConfig();
        if (config.kek === undefined) throw new StartError("MINTMARK_KEK must be set: it encrypts the keys");
        const [{ openStore }, { rewrapKeys }] = await Promise.all([
          import("../program/compose.ts"),
          import("../service/keys/key-management.ts"),
        ]);
        const store = await openStore(config, { guest: true });
        try {
          const count = await rewrapKeys(store, { from: config.previousKek, to: config.kek });
          print(`encrypted ${count} keys with MINTMARK_KEK`);
        } finally {
          await store.close();
        }
      }),
    );
}

function keyTable(keys: readonly KeyView[]): Result {
  const rows = keys.map(({ kid, alg, state, activatesAt, retiresAt, removedAt, killedAt }) => [
    kid,
    alg,
    killedAt === undefined ? state : "revoked",
    moment(activatesAt),
    moment(retiresAt),
    moment(killedAt ?? removedAt),
  ]);
  return { json: keys, text: table(["kid", "alg", "state", "signs from", "until", "public until"], rows) };
}
