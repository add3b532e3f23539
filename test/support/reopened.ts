import { copyFileSync, rmSync } from "node:fs";
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

/** How a store is opened: the options of the service, and what its clock says. */
export type Opening = TokenServiceOptions<ClaimsSchema> & { now?: number };
export type Opened = { service: Service; store: Store };
export type Service = TokenService<ClaimsSchema>;

/** One store in a folder, which is opened again and again with other options: by a server, or, as a guest, by a command. */
export function openRepeatedly() {
  const folder = temporaryFolder();
  const data = join(folder.path, "data");
  const file = join(data, "mintmark.db");
  return {
    /** Opens the store, does something, and closes it again. */
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
    /** All that is stored but for the audit log. */
    content(): Record<string, unknown[]> {
      const database = new Database(file, { readonly: true });
      const tables = ["state", "keys", "clients", "revocations", "sessions", "refresh_tokens"];
      const rows = tables.map((table) => [table, database.prepare(`select * from ${table} order by 1, 2`).all()]);
      database.close();
      return Object.fromEntries(rows);
    },
    /** Changes what is stored past every service. */
    write(sql: string): void {
      const database = new Database(file);
      database.exec(sql);
      database.close();
    },
    /** Makes a backup, and gives the verb that puts it back in the place of the data. */
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

/** Issues a token to a caller that may have any. */
export async function issue(service: Service, request: Partial<Parameters<Service["getToken"]>[1]> = {}) {
  const { refreshToken = "", ...issued } = await service.getToken(localCaller, {
    subject: "ada",
    claims: {},
    ...request,
  });
  return { ...issued, refreshToken };
}

/** Whether a token counts, whomever it is for. */
export async function isLive(service: Service, token: string): Promise<boolean> {
  return (await service.introspectToken(localCaller, token)).active;
}
