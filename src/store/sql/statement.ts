import { type Compilable, type CompiledQuery, type Kysely, type QueryResult, sql } from "kysely";
import type { Schema } from "./schema.ts";

/** The limit of a query for one row. In its text, since SQLite's driver reads a single row in half the time. */
export const ONE = sql.lit(1);

/** The row of a query that always has one. */
export function onlyRow<Row>({ rows: [row] }: { rows: readonly Row[] }): Row {
  if (row === undefined) throw new Error("A row is missing");
  return row;
}

/** Executes a query of a transaction (`isWithin`) or of none without a wait. `undefined`: it must wait for the connection. */
export type ExecuteNow = <Row>(query: CompiledQuery<Row>, isWithin: boolean) => QueryResult<Row> | undefined;

const executors = new WeakMap<object, ExecuteNow>();

/** Executes the statements of a database without Kysely's queue of connections, where that is possible. */
export function executeBy(db: Kysely<Schema>, executeNow: ExecuteNow): void {
  executors.set(db.getExecutor().adapter, executeNow);
}

/** Executes a compiled query. */
export async function execute<Row>(db: Kysely<Schema>, query: CompiledQuery<Row>): Promise<QueryResult<Row>> {
  // A transaction has the adapter of its database.
  const executeNow = executors.get(db.getExecutor().adapter);
  return executeNow?.(query, db.isTransaction) ?? db.executeQuery(query);
}

/** Runs a query with values for its parameters. */
export type Statement<Parameters, Row> = (
  db: Kysely<Schema>,
  parameters: Parameters,
) => Promise<Pick<QueryResult<Row>, "rows" | "numAffectedRows">>;

/**
 * Makes a query that is compiled once for each database: building and compiling most queries takes longer than running them.
 * `build` receives placeholders, which it can only pass on as values. The members of the parameters are always the same ones.
 */
export function statement<Row, Parameters extends object = object>(
  build: (db: Kysely<Schema>, parameters: Parameters) => Compilable<Row>,
): Statement<Parameters, Row> {
  const compiled = new WeakMap<object, ReturnType<typeof compile<Row, Parameters>>>();
  return (db, parameters) => {
    const { adapter } = db.getExecutor();
    const bind = compiled.get(adapter) ?? compile(build, db, Object.keys(parameters));
    compiled.set(adapter, bind);
    return execute(db, bind(parameters));
  };
}

/** Compiles a query, and returns the function that binds values to its parameters. */
function compile<Row, Parameters extends object>(
  build: (db: Kysely<Schema>, parameters: Parameters) => Compilable<Row>,
  db: Kysely<Schema>,
  members: readonly string[],
) {
  const names = new Map(members.map((name) => [Symbol(name) as unknown, name as keyof Parameters]));
  const placeholders = Object.fromEntries(Array.from(names, ([placeholder, name]) => [name, placeholder]));
  const query = build(db, placeholders as Parameters).compile();
  const slots = query.parameters.map((value) => ({ value, name: names.get(value) }));
  return (parameters: Parameters) => ({
    ...query,
    parameters: slots.map(({ value, name }) => (name === undefined ? value : parameters[name])),
  });
}
