import { existsSync, writeFileSync } from "node:fs";
import { StartError } from "../../errors.ts";

const markOf = (file: string) => `${file}.moved`;

/** Marks an embedded database as moved to PostgreSQL: changes to the remaining copy would have no effect. */
export function markMoved(file: string): void {
  writeFileSync(markOf(file), "The state of this database was moved to PostgreSQL.\n", { mode: 0o600 });
}

/** Throws a {@link StartError} where the embedded database was moved. */
export function refuseMoved(file: string): void {
  const mark = markOf(file);
  if (existsSync(mark))
    throw new StartError(
      `The state of ${file} was moved to PostgreSQL: set DATABASE_URL to that database. To go back to the state before the move, remove ${mark}`,
    );
}
