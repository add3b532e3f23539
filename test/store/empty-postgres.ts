import pg from "pg";

/** Creating a database for each test would take most of the time. */
const EMPTY = `do $$ declare name text; begin
  for name in select tablename from pg_tables where schemaname = 'public' and tablename not like 'mintmark_%' and tablename <> 'state'
  loop execute format('delete from %I', name); end loop;
  update state set revision = 0, keys_revision = 0, longest_lifetime = 0;
end $$`;

/** Empties a database before each test, by one connection: another one each time would take half of the time. */
export function createEmptier() {
  let client: pg.Client | undefined;
  return {
    async connect(url: string): Promise<void> {
      await client?.end();
      client = new pg.Client({ connectionString: url });
      await client.connect();
    },
    empty: () => client?.query(EMPTY),
    end: () => client?.end(),
  };
}
