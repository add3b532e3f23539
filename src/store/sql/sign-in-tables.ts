import { type CreateTableBuilder, type Migration, sql } from "kysely";

type Db = Parameters<Migration["up"]>[0];
/** The types of columns; `?` is a nullable one. */
type Columns = Record<string, "text" | "bigint" | "integer" | "text?" | "bigint?">;

/** The columns of each table, and its primary key. */
const TABLES: Record<string, { columns: Columns; key: string[] }> = {
  sign_ins: {
    columns: {
      ...{ sid: "text", hash: "text", subject: "text", claims: "text", profile: "text", scope: "text?" },
      ...{ auth_time: "bigint", created_at: "bigint", expires_at: "bigint" },
    },
    key: ["sid"],
  },
  authorization_requests: {
    columns: {
      ...{ handle: "text", browser: "text", client_id: "text", target: "text", audience: "text", scope: "text?" },
      ...{ prompt: "text", max_age: "bigint?", login_hint: "text?", started_at: "bigint", expires_at: "bigint" },
      person: "text?",
    },
    key: ["handle"],
  },
  authorization_codes: {
    columns: {
      ...{ hash: "text", client_id: "text", sid: "text", subject: "text", auth_time: "bigint", claims: "text" },
      ...{ profile: "text", audience: "text", scope: "text?", nonce: "text?", redirect_uri: "text?" },
      ...{ challenge: "text?", created_at: "bigint", expires_at: "bigint", until: "bigint", grant_sid: "text?" },
    },
    key: ["hash"],
  },
  sign_in_consents: {
    columns: { subject: "text", client_id: "text", host: "text", audience: "text", scopes: "text", at: "bigint" },
    key: ["subject", "client_id", "host", "audience"],
  },
  device_requests: {
    columns: {
      ...{ hash: "text", user_code: "text", client_id: "text", audience: "text", scope: "text?" },
      ...{ created_at: "bigint", expires_at: "bigint", browser: "text?", denied: "integer" },
      ...{ polled_at: "bigint?", poll_interval: "bigint", too_soon: "integer" },
    },
    key: ["hash"],
  },
  logout_notices: {
    columns: {
      sid: "text",
      client_id: "text",
      subject: "text",
      attempts: "integer",
      due_at: "bigint?",
      until: "bigint",
    },
    key: ["sid", "client_id"],
  },
};

/** Further indices: `unique` ones, and those for revocations, lists and deletions. */
const INDICES: [name: string, table: string, columns: string[], unique?: "unique"][] = [
  ["sign_ins_by_hash", "sign_ins", ["hash"], "unique"],
  ["sign_ins_by_subject_and_time", "sign_ins", ["subject", "created_at", "sid"]],
  ["sign_ins_by_end", "sign_ins", ["expires_at"]],
  ["authorization_requests_by_client", "authorization_requests", ["client_id"]],
  ["authorization_requests_by_end", "authorization_requests", ["expires_at"]],
  ["authorization_codes_by_sid", "authorization_codes", ["sid"]],
  ["authorization_codes_by_subject", "authorization_codes", ["subject"]],
  ["authorization_codes_by_client", "authorization_codes", ["client_id", "subject"]],
  ["authorization_codes_by_end", "authorization_codes", ["until"]],
  ["sign_in_consents_by_client", "sign_in_consents", ["client_id"]],
  ["device_requests_by_user_code", "device_requests", ["user_code"], "unique"],
  ["device_requests_by_client", "device_requests", ["client_id"]],
  ["device_requests_by_end", "device_requests", ["expires_at"]],
  ["logout_notices_by_subject", "logout_notices", ["subject"]],
  ["logout_notices_by_client", "logout_notices", ["client_id"]],
  ["logout_notices_by_end", "logout_notices", ["until"]],
];

/** The tables for the sign-in of people: migration 010. */
export async function createSignInTables(db: Db): Promise<void> {
  for (const [table, { columns, key }] of Object.entries(TABLES)) await createTable(db, table, { columns, key });
  for (const [name, table, columns, unique] of INDICES) {
    const index = db.schema.createIndex(name).on(table).columns(columns);
    await (unique ? index.unique() : index).execute();
  }
  const due = db.schema.createIndex("logout_notices_by_due_time").on("logout_notices").column("due_at");
  await due.where("due_at", "is not", null).execute();
  await db.schema.alterTable("sessions").addColumn("sign_in", "text").execute();
  const bySignIn = db.schema.createIndex("sessions_by_sign_in").on("sessions").column("sign_in");
  await bySignIn.where("sign_in", "is not", null).execute();
}

async function createTable(db: Db, name: string, { columns, key }: { columns: Columns; key: string[] }): Promise<void> {
  let table: CreateTableBuilder<string, string> = db.schema.createTable(name);
  for (const [column, type] of Object.entries(columns)) {
    const [name = "", nullable] = type.split(/(?=\?)/);
    table = table.addColumn(column, sql.raw(name), (added) => (nullable ? added : added.notNull()));
  }
  await table.addPrimaryKeyConstraint(`${name}_pk`, key).execute();
}
