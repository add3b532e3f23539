import { Command, Option } from "commander";
import { StartError } from "../errors.ts";
import type { KeyPairAlgorithm } from "../keys/public-jwk.ts";
import { readConfig } from "../program/config.ts";
import type { KeyView } from "../service/keys/key-management.ts";
import { print, type Result, reportFailure, serviceCommand } from "./run.ts";
import { moment, table } from "./text.ts";

const ALGORITHMS: readonly KeyPairAlgorithm[] = ["ES256", "ES384", "RS256", "PS256", "EdDSA"];

export function keyCommands(): Command {
  const list = new Command("list")
    .description("list the keys and the state that each is in; times are in UTC")
    .addHelpText("after", "\nExample:\n  mintmark keys list --json");

  const rotate = new Command("rotate")
    .description("make the next key; it is published first and signs later")
    .option("--immediate", "sign with it at once, as after a leak")
    .addOption(
      new Option(
        "--alg <algorithm>",
        "the algorithm of this key and of all later ones; default: that of the service",
      ).choices(ALGORITHMS),
    )
    .addHelpText("after", "\nExample:\n  mintmark keys rotate --immediate");

  const kill = new Command("kill")
    .description("kill a key and all its tokens")
    .argument("<kid>", "the key, as `keys list` names it")
    .addHelpText("after", "\nExample:\n  mintmark keys kill NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");

  return new Command("keys")
    .description("list, rotate and kill keys")
    .addCommand(serviceCommand(list, async (client) => keyTable(await client.keys.list.query())))
    .addCommand(
      serviceCommand<{ immediate?: boolean; alg?: KeyPairAlgorithm }>(rotate, async (client, { options }) =>
        keyTable(await client.keys.rotate.mutate(options)),
      ),
    )
    .addCommand(
      serviceCommand(kill, async (client, { words: [keyId = ""] }) => {
        const revoked = await client.revoke.mutate({ keyId });
        return { json: revoked, text: `killed ${keyId}` };
      }),
    )
    .addCommand(rewrapCommand());
}

function rewrapCommand(): Command {
  return new Command("rewrap")
    .description(
      "encrypt the private keys of this machine's data with MINTMARK_KEK, from MINTMARK_KEK_PREVIOUS or from none",
    )
    .addHelpText("after", "\nExample:\n  MINTMARK_KEK_PREVIOUS=… MINTMARK_KEK=… mintmark keys rewrap")
    .action(() =>
      reportFailure(async () => {
        const config = readConfig();
        if (config.kek === undefined)
          throw new StartError("MINTMARK_KEK must be set: it is what the keys are encrypted with");
        const [{ openStore }, { rewrapKeys }] = await Promise.all([
          import("../program/compose.ts"),
          import("../service/keys/rewrap.ts"),
        ]);
        const store = await openStore(config, { guest: true });
        try {
          const count = await rewrapKeys(store, { from: config.previousKek, to: config.kek });
          print(`encrypted ${count} keys anew`);
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
    killedAt === undefined ? state : "killed",
    moment(activatesAt),
    moment(retiresAt),
    moment(killedAt ?? removedAt),
  ]);
  return { json: keys, text: table(["kid", "alg", "state", "signs from", "until", "public until"], rows) };
}
