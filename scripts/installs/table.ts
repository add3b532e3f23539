/** The uses of the package that each row of the table shows. */
export const COLUMNS = {
  feed: "verifier with the feed",
  jwks: "verifier by the JWK Set",
  server: "server",
  testing: "testing kit",
} as const;
export type Column = keyof typeof COLUMNS;

/** Why a use is not tried, or the reason of a refusal that is expected and the error that shows it. */
export type Exception = { notApplicable: string } | { refused: string; error: RegExp };

/** A place where the package runs. `use` rejects unless the use works there. */
export type Row = {
  name: string;
  use: (column: Column) => Promise<void>;
  except?: Partial<Record<Column, Exception>>;
};

/** What became of a row, by column. */
export type Outcomes = Record<Column, string>;

const FAILS = "FAILS";

export async function outcomesOf({ use, except = {} }: Row): Promise<Outcomes> {
  const outcomes: Partial<Outcomes> = {};
  for (const column of Object.keys(COLUMNS) as Column[])
    outcomes[column] = await outcomeOf(() => use(column), except[column]);
  return outcomes as Outcomes;
}

async function outcomeOf(use: () => Promise<void>, exception: Exception | undefined): Promise<string> {
  if (exception !== undefined && "notApplicable" in exception) return `not applicable: ${exception.notApplicable}`;
  try {
    await use();
    return exception === undefined ? "works" : `${FAILS}: works, and should be refused`;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (exception?.error.test(text)) return `refused because ${exception.refused}`;
    return `${FAILS}: ${text.slice(0, 2000)}`;
  }
}

/** The cells of a row that failed. */
export const failuresOf = (outcomes: Outcomes): string[] =>
  Object.values(outcomes).filter((text) => text.startsWith(FAILS));

/** The table in Markdown. */
export function markdown(rows: ReadonlyMap<string, Outcomes>): string {
  const line = (cells: readonly string[]) => `| ${cells.map(inOneLine).join(" | ")} |\n`;
  const columns = Object.keys(COLUMNS) as Column[];
  const head = line(["", ...Object.values(COLUMNS)]) + line(["---", ...columns.map(() => "---")]);
  return (
    head + [...rows].map(([name, outcomes]) => line([name, ...columns.map((column) => outcomes[column])])).join("")
  );
}

/** A table has room for the first line of an error. */
function inOneLine(cell: string): string {
  const lines = cell.split("\n");
  return (lines.find((line) => /^\s*\w*Error:/.test(line)) ?? lines[0] ?? "").replaceAll("|", "/").trim();
}
