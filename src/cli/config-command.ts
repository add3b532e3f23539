import { Command } from "commander";
import { readConfig } from "../program/config.ts";
import type { Environment } from "../program/environment/read-values.ts";
import type { StoredSettings } from "../store/settings.ts";
import { openGuestStore } from "./guest-store.ts";
import { diagnosticCommand, sentenceOf } from "./run.ts";
import { type SettingRow, settingRows } from "./setting-rows.ts";
import { table } from "./text.ts";
import { closeSoon, withinLimit } from "./time-limit.ts";

export function configCommand(): Command {
  const command = new Command("config")
    .description("show every setting: its value in force, and where it comes from; secrets are hidden")
    .addHelpText(
      "after",
      "\nA stored setting is in force until a server with another value starts.\n\nExample:\n  mintmark config --json",
    );
  return diagnosticCommand(command, async () => {
    const { rows, notice } = await readSettings();
    return { json: rows, text: settingTable(rows), notice };
  });
}

/** Reads all settings. `notice` says in one sentence why the stored ones are missing. Throws a `StartError` for a wrong variable. */
export async function readSettings(environment?: Environment): Promise<{ rows: SettingRow[]; notice?: string }> {
  const config = readConfig(environment);
  const rowsWith = (stored?: StoredSettings) => settingRows({ config, stored, environment });
  const database = { subject: "The database" };
  const opening = openGuestStore(config);
  try {
    const store = await withinLimit(opening, database);
    if (store === undefined)
      return { rows: rowsWith(), notice: "there is no data yet: the first start of a server stores settings" };
    return { rows: rowsWith((await withinLimit(store.position(), database)).settings) };
  } catch (error) {
    const why = sentenceOf(error) ?? "the database cannot be used";
    return { rows: rowsWith(), notice: `what is stored is not shown: ${why}` };
  } finally {
    await closeSoon(opening);
  }
}

function settingTable(rows: readonly SettingRow[]): string {
  const hasChange = rows.some(({ nextStart }) => nextStart !== undefined);
  const cells = rows.map(({ variable, value, source, unit, nextStart = null }) => [
    variable,
    textOf(value, unit),
    source,
    ...(hasChange ? [nextStart === null ? "" : textOf(nextStart, unit)] : []),
  ]);
  return table(["variable", "value", "from", ...(hasChange ? ["next start stores"] : [])], cells);
}

function textOf(value: SettingRow["value"], unit?: string): string {
  if (value === null) return "not set";
  if (typeof value === "object") return value.length === 0 ? "none" : value.join(", ");
  return [value, unit].filter((part) => part !== undefined).join(" ");
}
