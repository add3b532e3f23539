import { type Kysely, sql } from "kysely";
import { StartError } from "../../errors.ts";
import { failureCode } from "../failure-code.ts";
import { missingTables } from "../sql/migrate.ts";
import type { Schema } from "../sql/schema.ts";
import { TakenError } from "../sql/taken.ts";

/** The schema to use where the current one cannot hold the tables. */
const OWN = "mintmark";

export type Place = {
  schema: string;
  /** A sentence for the log where the schema or encoding is not the expected one. */
  notice?: string;
};

export type PlaceOptions = {
  /** The schema that the URL names. */
  named: string | undefined;
  /** Whether the tables must exist. */
  guest: boolean;
  /** Applies pending migrations in a schema, in one transaction. */
  migrate: (schema: string) => Promise<void>;
};

/**
 * Finds the schema with the tables, or creates the tables: in the schema that the URL names, else in the current one, else,
 * where that has other tables of the same names or may not be changed, in the schema `mintmark`. Always uses existing
 * tables: in another schema the server would start with new keys.
 */
export async function placeTables(db: Kysely<Schema>, { named, guest, migrate }: PlaceOptions): Promise<Place> {
  const { current, encoding, schemas } = await survey(db, named);
  const found = [named, current, OWN].find((schema) => schema !== undefined && schemas.has(schema));
  if (found !== undefined) {
    await migrate(found).catch((cause: unknown) => {
      throw cause instanceof TakenError ? cannotUpgrade(found, cause) : cause;
    });
    return placeWithNotice(found, { named, encoding });
  }
  if (guest) throw missingTables();
  if (encoding !== "UTF8")
    throw new StartError(
      `The database in DATABASE_URL has the encoding ${encoding}, which cannot encode all text: create one with  encoding 'UTF8' template template0`,
    );
  const first = named ?? current;
  if (first === undefined)
    throw new StartError(
      "The search_path of the user in DATABASE_URL names no existing schema: create it, or name one by ?schema=NAME",
    );
  if (named !== undefined) await createSchema(db, named);
  return await migrate(first)
    .then(() => ({ schema: first }))
    .catch((cause: unknown) => migrateElsewhere(db, { first, cause, named, migrate }));
}

function placeWithNotice(schema: string, { named, encoding }: { named: string | undefined; encoding: string }): Place {
  if (named !== undefined && named !== schema)
    return {
      schema,
      notice: `The schema in DATABASE_URL has no Mintmark tables: using those in ${quoted(schema)}. Remove schema from DATABASE_URL`,
    };
  // SQL_ASCII stores bytes unchanged.
  if (encoding === "UTF8" || encoding === "SQL_ASCII") return { schema };
  const notice = `The database has the encoding ${encoding} and rejects text that it cannot encode: move it to a database with the encoding UTF8`;
  return { schema, notice };
}

/** SQLSTATEs: tables or types of another program; a missing privilege or schema. */
const OCCUPIED = new Set(["42P07", "42710"]);
const FORBIDDEN = new Set(["42501", "3F000"]);

async function migrateElsewhere(
  db: Kysely<Schema>,
  { first, cause, named, migrate }: Omit<PlaceOptions, "guest"> & { first: string; cause: unknown },
): Promise<Place> {
  const code = failureCode(cause) ?? "";
  const isOccupied = OCCUPIED.has(code);
  if (!isOccupied && !FORBIDDEN.has(code)) throw cause;
  const what = isOccupied ? "has tables of another program" : "cannot be changed by the user in DATABASE_URL";
  const why = `The schema ${quoted(first)} of the database ${what}`;
  const another = new StartError(`${why}: name another one by ?schema=NAME in DATABASE_URL`);
  if (named !== undefined || first === OWN) throw another;
  try {
    await createSchema(db, OWN);
    await migrate(OWN);
  } catch (second) {
    const code = failureCode(second) ?? "";
    if (OCCUPIED.has(code)) throw another;
    if (!FORBIDDEN.has(code)) throw second;
    throw new StartError(
      `${why}: let the owner of the database run  create schema ${OWN} authorization USER  for that user`,
    );
  }
  return { schema: OWN, notice: `${why}: using the schema ${OWN}` };
}

/** Tables of Mintmark are there, so that it starts in no other schema: it would have new keys. */
function cannotUpgrade(schema: string, { taken }: TakenError): StartError {
  return new StartError(
    `The schema ${quoted(schema)} of the database has a table or index ${taken} of another program, and this release needs that name: move the tables of Mintmark to another schema, as in docs/deployment.md`,
  );
}

type Survey = { current: string | undefined; encoding: string; schemas: ReadonlySet<string> };

/** Reads the current schema, the encoding, and which candidate schemas have the tables. */
async function survey(db: Kysely<Schema>, named: string | undefined): Promise<Survey> {
  const { rows } = await sql<{ current: string | null; encoding: string; schemas: string[] }>`
    select current_schema()::text as current, pg_encoding_to_char(encoding) as encoding, array(
      select nspname::text from pg_class join pg_namespace on pg_namespace.oid = relnamespace
      where relname = 'mintmark_migration' and relkind in ('r', 'p') and has_schema_privilege(pg_namespace.oid, 'usage')
        and nspname in (current_schema(), ${OWN}, ${named ?? OWN})
    ) as schemas
    from pg_database where datname = current_database()`.execute(db);
  const [row] = rows;
  return { current: row?.current ?? undefined, encoding: row?.encoding ?? "", schemas: new Set(row?.schemas) };
}

/** Creates a schema unless it exists. Another process may create it at the same time. */
async function createSchema(db: Kysely<Schema>, schema: string): Promise<void> {
  // Not `if not exists`, which requires the privilege to create even where the schema exists.
  const { rows } = await sql`select 1 from pg_namespace where nspname = ${schema}`.execute(db);
  if (rows.length > 0) return;
  try {
    await sql`create schema ${sql.id(schema)}`.execute(db);
  } catch (cause) {
    const code = failureCode(cause);
    if (code === "42501" && schema !== OWN)
      throw new StartError(
        `The database has no schema ${quoted(schema)}, and the user in DATABASE_URL cannot create it: let the owner of the database run  create schema ${quoted(schema)} authorization USER  for that user`,
      );
    if (code !== "42P06" && code !== "23505") throw cause;
  }
}

/** Hides names with characters that could forge a log line. */
function quoted(schema: string): string {
  return /^\w+$/.test(schema) ? schema : '"…"';
}
