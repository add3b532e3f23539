import type { Kysely, KyselyPlugin, RootOperationNode } from "kysely";
import { failureCode } from "../failure-code.ts";
import type { Schema } from "./schema.ts";

/** Another program has a table or index of a name that a migration needs. The cause is the error of the database. */
export class TakenError extends Error {
  override readonly name = "TakenError";
  /** The name of the table or index. */
  readonly taken: string;

  constructor(taken: string, options: ErrorOptions) {
    super(`There is another ${taken}`, options);
    this.taken = taken;
  }
}

/** Runs statements. Throws a {@link TakenError} where one creates a table or index whose name is taken. */
export async function refuseTaken(db: Kysely<Schema>, run: (db: Kysely<Schema>) => Promise<void>): Promise<void> {
  let latest: string | undefined;
  const plugin: KyselyPlugin = {
    transformQuery({ node }) {
      latest = createdBy(node);
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  try {
    await run(db.withPlugin(plugin));
  } catch (cause) {
    throw latest !== undefined && isTaken(cause) ? new TakenError(latest, { cause }) : cause;
  }
}

function createdBy(node: RootOperationNode): string | undefined {
  if (node.kind === "CreateTableNode") return node.table.table.identifier.name;
  return node.kind === "CreateIndexNode" ? node.name.name : undefined;
}

/** SQLSTATEs for a table or index, and for a type. */
const TAKEN = new Set(["42P07", "42710"]);

/** SQLite has no code for it. Its messages are in English. */
function isTaken(cause: unknown): boolean {
  const code = failureCode(cause) ?? "";
  return TAKEN.has(code) || (code === "SQLITE_ERROR" && /\balready\b/.test((cause as Error).message));
}
