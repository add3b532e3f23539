import { type Caller, localCaller } from "../../src/service/access/caller.ts";
import type { TokenService } from "../../src/service/service.ts";
import { newClient } from "./clients.ts";
import { newResource } from "./resources.ts";

type Acting = { service: TokenService; caller: Caller; token: string; refreshToken: string; clientId: string };

/** Every use case of a client. `clientId` is that of another one. */
export const USE_CASES: Record<string, (acting: Acting) => Promise<unknown>> = {
  getToken: ({ service, caller }) => service.getToken(caller, { claims: {} }),
  "getToken, refreshable": ({ service, caller }) => service.getToken(caller, { claims: {}, refreshable: true }),
  refreshToken: ({ service, caller, refreshToken }) => service.refreshToken(caller, { refreshToken }),
  revokeToken: ({ service, caller, token }) => service.revokeToken(caller, token),
  "revokeToken, unknown": ({ service, caller }) => service.revokeToken(caller, "unknown"),
  "revoke, a subject": ({ service, caller }) => service.revokeAll(caller, { kind: "subject", id: "ada" }),
  "revoke, itself": ({ service, caller }) => service.revokeAll(caller, { kind: "client", id: caller.clientId }),
  introspectToken: ({ service, caller, token }) => service.introspectToken(caller, token),
  "keys.list": ({ service, caller }) => service.keys.list(caller),
  "keys.rotate": ({ service, caller }) => service.keys.rotate(caller, { immediate: true }),
  "keys.kill": async ({ service, caller }) => {
    const [key] = await service.keys.list(localCaller);
    return service.keys.revoke(caller, key?.kid ?? "");
  },
  "clients.create": ({ service, caller }) => service.clients.create(caller, newClient()),
  "clients.list": ({ service, caller }) => service.clients.list(caller),
  "clients.update": ({ service, caller, clientId }) => service.clients.update(caller, { clientId, name: "other" }),
  "clients.rotateSecret": ({ service, caller, clientId }) =>
    service.clients.rotateSecret(caller, { clientId, overlap: 0 }),
  "clients.remove": ({ service, caller, clientId }) => service.clients.remove(caller, clientId),
  "getToken, for a resource": ({ service, caller }) => service.getToken(caller, { claims: {}, resources: ["urn:a"] }),
  "refreshToken, for a resource": ({ service, caller, refreshToken }) =>
    service.refreshToken(caller, { refreshToken, resources: ["urn:a"] }),
  "resources.create": ({ service, caller }) => service.resources.create(caller, newResource()),
  "resources.list": ({ service, caller }) => service.resources.list(caller),
  "resources.remove": ({ service, caller }) => service.resources.remove(caller, "urn:a"),
  "tokens.find": ({ service, caller }) => service.findToken(caller, "a"),
  "grants.list": ({ service, caller }) => service.listGrants(caller, { subject: "ada", limit: 1 }),
  "revoke, a grant": ({ service, caller }) => service.revokeGrant(caller, "a"),
  "sessions.list": ({ service, caller }) => service.sessions.list(caller, { subject: "ada", limit: 1 }),
  "sessions.revoke": ({ service, caller }) => service.sessions.revoke(caller, "a"),
  "consents.list": ({ service, caller }) => service.consents.list(caller, "ada"),
  "consents.revoke": ({ service, caller, clientId }) => service.consents.revoke(caller, { subject: "ada", clientId }),
  "signIn.describe": ({ service, caller }) => service.signIn.describe(caller, "a"),
  "signIn.accept": ({ service, caller }) => service.signIn.accept(caller, { handle: "a", subject: "ada" }),
  "signIn.refuse": ({ service, caller }) => service.signIn.refuse(caller, "a"),
  "audit.list": ({ service, caller }) => service.audit.list(caller, { limit: 1 }),
  metrics: ({ service, caller }) => service.metrics.authorize(caller),
  events: ({ service, caller }) => service.follow(caller, {}).next(),
};
