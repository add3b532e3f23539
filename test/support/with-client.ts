import { expect } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import type { NewClient } from "../../src/service/clients/client-metadata.ts";
import type { TokenService } from "../../src/service/service.ts";
import type { AuditRecord } from "../../src/store/audit.ts";
import { addClient } from "./clients.ts";
import { type OpenOptions, openService } from "./service.ts";

const ADDRESS = "192.0.2.1";

/** The caller of a new client that may get any token, with further fields. */
export async function callerOf(
  service: Pick<TokenService, "authenticate" | "clients">,
  fields: Partial<NewClient> = {},
) {
  const usual = {
    permissions: ["issue"],
    scopes: ["*"],
    audiences: ["*"],
    anySubject: true,
  } satisfies Partial<NewClient>;
  return service.authenticate(await addClient(service, { ...usual, ...fields }), ADDRESS);
}

/** A service for clients alone with one client, which can be restarted. */
export async function openWithClient(options: OpenOptions = {}) {
  const opened = await openService({ open: false, ...options });
  let now: Pick<typeof opened, "service" | "store"> = opened;
  const caller = await callerOf(now.service);
  return {
    clock: opened.clock,
    caller,
    folder: opened.folder,
    get service() {
      return now.service;
    },
    get store() {
      return now.store;
    },
    async restart() {
      await now.service.close();
      now = await opened.open();
    },
    /** The audit records of an action, newest first. */
    async auditRecords(action: string): Promise<AuditRecord[]> {
      return (await now.service.audit.list(localCaller, { action, limit: 1000 })).records;
    },
    async [Symbol.asyncDispose]() {
      await now.service.close();
      await opened[Symbol.asyncDispose]();
    },
  };
}

/** Gets a token, and a refresh token beside it. */
export async function issueGrant(service: TokenService, ...[caller, request]: Begin) {
  const { token, refreshToken = "" } = await service.getToken(caller, {
    subject: "ada",
    claims: {},
    ...request,
    refreshable: true,
  });
  return { token, refreshToken };
}

type GetToken = Parameters<TokenService["getToken"]>;
type Begin = [caller: GetToken[0], request?: Partial<GetToken[1]>];

export async function expectLive(service: TokenService, token: string): Promise<void> {
  await expect(service.verifyToken({ token })).resolves.toBeDefined();
}

export async function expectRevoked(service: TokenService, token: string): Promise<void> {
  await expect(service.verifyToken({ token })).rejects.toMatchObject({ reason: "token_revoked" });
}
