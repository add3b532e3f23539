/** Creating a connection and a database for each test would take most of the time. */
export const EMPTY = `do $$ declare name text; begin
  for name in select tablename from pg_tables where schemaname = 'public' and tablename not like 'mintmark_%' and tablename <> 'state'
  loop execute format('delete from %I', name); end loop;
  update state set revision = 0, keys_revision = 0, longest_lifetime = 0;
end $$`;
