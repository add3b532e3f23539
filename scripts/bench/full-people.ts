import { randomBytes } from "node:crypto";
import type { Kysely } from "kysely";
import type { Schema } from "../../src/store/sql/schema.ts";
import { insert } from "./full-database.ts";

const SESSIONS = Number(process.env.MINTMARK_BENCH_SESSIONS ?? 1_000_000);
const CODES = Math.ceil(SESSIONS / 10);

const random = () => randomBytes(32).toString("base64url");

/** Adds a million sign-in sessions of as many people, a million consents, and 100,000 used codes. None expires within a day. */
export async function fillPeople(db: Kysely<Schema>): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  const day = 86_400;
  await insert(db, "sign_ins", {
    count: SESSIONS,
    row: (at) => ({
      ...{ sid: `sid-${at}`, hash: random(), subject: `person-${at}`, claims: "{}", profile: "{}", scope: null },
      ...{ auth_time: now, created_at: now - (at % day), expires_at: now + day + (at % (7 * day)) },
    }),
  });
  await insert(db, "sign_in_consents", {
    count: SESSIONS,
    row: (at) => ({
      ...{ subject: `person-${at}`, client_id: `client-${at % 1000}`, host: "shop.example" },
      ...{ audience: "https://tokens.example", scopes: '["openid","orders:read"]', at: now },
    }),
  });
  await insert(db, "authorization_codes", {
    count: CODES,
    row: (at) => ({
      ...{
        hash: random(),
        client_id: `client-${at % 1000}`,
        sid: `sid-${at}`,
        subject: `person-${at}`,
        auth_time: now,
      },
      ...{ claims: "{}", profile: "{}", audience: '"https://tokens.example"', scope: "openid", nonce: null },
      ...{ redirect_uri: "https://shop.example/callback", challenge: random(), created_at: now, expires_at: now + 60 },
      ...{ until: now + day + (at % day), grant_sid: random() },
    }),
  });
}
