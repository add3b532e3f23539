import type { z } from "zod";
import { serverSettings } from "./settings/server-settings.ts";
import { serviceSettings } from "./settings/service-settings.ts";
import type { Setting } from "./settings/setting.ts";
import { signInSettings } from "./settings/sign-in-settings.ts";

/** Every setting, by its variable. */
export const settings = { ...serverSettings, ...serviceSettings, ...signInSettings };

type Settings = typeof settings;

/** The name of a variable. */
export type Variable = keyof Settings;

/** The parsed values, by variable. */
export type Variables = z.output<z.ZodObject<{ -readonly [V in Variable]: Settings[V]["schema"] }>>;

/** The parsed values, by field of `Config`. */
export type Fields = { [V in Variable as Settings[V]["name"]]: z.output<Settings[V]["schema"]> };

/** The schemas, by variable. */
export const variables = Object.fromEntries(
  Object.entries<Setting>(settings).map(([variable, { schema }]) => [variable, schema]),
) as { -readonly [V in Variable]: Settings[V]["schema"] };

/** Renames variables to fields of `Config`. */
export function fieldsOf(parsed: Variables): Fields {
  const entries = Object.entries(settings).map(([variable, { name }]) => [name, parsed[variable as Variable]]);
  return Object.fromEntries(entries);
}

/** The settings as a list. */
export const settingList: readonly (Setting & { variable: string })[] = Object.entries<Setting>(settings).map(
  ([variable, setting]) => ({ variable, ...setting }),
);

/** The default as the documentation shows it. Empty where there is none. */
export function defaultOf({ schema, otherwise, unit }: Setting): string {
  const value: unknown = schema.safeParse(undefined).data;
  const isNone = value === undefined || (Array.isArray(value) && value.length === 0);
  const shown = isNone ? otherwise : `\`${value}\``;
  return [shown, shown && unit].filter(Boolean).join(" ");
}
