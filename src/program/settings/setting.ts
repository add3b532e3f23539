import type { z } from "zod";

/** One setting. `Config`, `mintmark serve --help` and `docs/configuration.md` are derived from the tables. */
export type Setting = {
  /** The field of `Config`. */
  name: string;
  /** Parses the text of the variable. Has the default unless that depends on another setting. */
  schema: z.ZodType;
  /** One line for `--help` and the documentation; code in backticks. */
  doc: string;
  unit?: "seconds";
  /** The default in words, where it depends on another setting. */
  otherwise?: string;
  /** Whether `<variable>_FILE` can name a file that holds the value. */
  fromFile?: true;
  /** Whether an empty value is an error: it would run the service without the secret. Otherwise empty is unset. */
  refuseEmpty?: true;
};

export const secret = { fromFile: true, refuseEmpty: true } as const;
