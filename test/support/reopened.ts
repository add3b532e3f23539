import { copyFileSync, cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { localCaller } from "../../src/service/access/caller.ts";
import type { TokenServiceOptions } from "../../src/service/options.ts";
import { createTokenService, type TokenService } from "../../src/service/service.ts";
import { backUp } from "../../src/store/sqlite/backup.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import type { ClaimsSchema } from "../../src/token/claims.ts";
import { ISSUER, NOW, temporaryFolder } from "./service.ts";

/** The options of the service, and the time of its clock. */
export type Opening = TokenServiceOptions<ClaimsSchema> & { now?: number };
export type Opened = { service: Service; store: Store };
export type Service = TokenService<ClaimsSchema>;

/** One store, new or a copy of closed data, opened repeatedly with other options: by a server, or, as a guest, by a command. */
export function openRepeatedly(from?: string) {
  const folder = temporaryFolder();
  const data = join(folder.path, "data");
  if (from !== undefined) cpSync(from, data, { recursive: true });
  const file = join(data, "mintmark.db");
  return {
    data,
    /** Opens the store, does the work, and closes it. */
    async by<Outcome>(opening: Opening, work: (opened: Opened) => Promise<Outcome>): Promise<Outcome> {
      const { now = NOW, guest = false, ...options } = opening;
      const store = await openSqliteStore(data, { shared: guest, guest });
      const settings = { issuer: ISSUER, open: false, ...options, guest, store, clock: () => now };
      const service = await createTokenService<ClaimsSchema>(settings).catch(async (error: unknown) => {
        await store.close();
        throw error;
      });
      try {
        return await work({ service, store });
      } finally {
        await service.close();
      }
    },
    /** The content of every table but the audit log. */
    content(): Record<string, unknown[]> {
      const database = new Database(file, { readonly: true });
      const tables = ["state", "keys", "clients", "revocations", "sessions", "refresh_tokens"];
      const rows = tables.map((table) => [table, database.prepare(`select * from ${table} order by 1, 2`).all()]);
      database.close();
      return Object.fromEntries(rows);
    },
    /** Changes the database without a service. */
    write(sql: string): void {
      const database = new Database(file);
      database.exec(sql);
      database.close();
    },
    /** Makes a backup, and returns a function that restores it. */
    backUp(): () => void {
      const backup = join(folder.path, "backup");
      backUp(data, backup);
      return () => {
        for (const end of ["", "-wal", "-shm"]) rmSync(`${file}${end}`, { force: true });
        copyFileSync(backup, file);
      };
    },
    [Symbol.dispose]: folder[Symbol.dispose],
  };
}

/** Issues a token to the local caller. */
export async function issue(service: Service, request: Partial<Parameters<Service["getToken"]>[1]> = {}) {
  const { refreshToken = "", ...issued } = await service.getToken(localCaller, {
    subject: "ada",
    claims: {},
    ...request,
  });
  return { ...issued, refreshToken };
}

/** Whether a token is active, for any audience. */
export async function isLive(service: Service, token: string): Promise<boolean> {
  return (await service.introspectToken(localCaller, token)).active;
}
