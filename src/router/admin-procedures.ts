import type { TokenService } from "../service/service.ts";
import * as schemas from "./admin-schemas.ts";
import * as clientSchemas from "./client-schemas.ts";
import * as lookups from "./lookup-schemas.ts";
import { CLIENT_ERRORS, type ClientProcedure } from "./procedure.ts";
import * as resource from "./resource-schemas.ts";

/** The procedures for administrators. Independent of the custom claims. */
export type AdminProcedures = ReturnType<typeof adminProcedures>;

type Managed = Pick<TokenService, "keys" | "clients" | "resources" | "audit" | "findToken" | "listGrants">;

export function adminProcedures(service: Managed, clientProcedure: ClientProcedure) {
  const { keys, clients, resources, audit } = service;
  const errors = ["invalid_request", ...CLIENT_ERRORS] as const;

  return {
    keys: {
      list: clientProcedure
        .meta({
          summary: "List keys",
          description: "Returns every key and its state.",
          permission: "rotate_keys",
          output: schemas.keyViews,
          errors,
        })
        .input(schemas.nothing)
        .query(({ ctx }) => keys.list(ctx.caller)),

      rotate: clientProcedure
        .meta({
          summary: "Rotate keys",
          description: "Generates the next key. It is published before it signs, unless `immediate`.",
          permission: "rotate_keys",
          output: schemas.keyViews,
          errors: [...errors, "no_key_pairs"],
        })
        .input(schemas.rotateInput)
        .mutation(({ ctx, input }) => keys.rotate(ctx.caller, input)),
    },

    clients: {
      create: clientProcedure
        .meta({
          summary: "Add a client",
          description: "Adds a client. Its secret is shown once.",
          permission: "manage_clients",
          output: clientSchemas.createdClient,
          errors,
        })
        .input(clientSchemas.newClient)
        .mutation(({ ctx, input }) => clients.create(ctx.caller, input)),

      list: clientProcedure
        .meta({
          summary: "List clients",
          description: "Returns every client and its permissions.",
          permission: "manage_clients",
          output: clientSchemas.clientViews,
          errors,
        })
        .input(schemas.nothing)
        .query(({ ctx }) => clients.list(ctx.caller)),

      update: clientProcedure
        .meta({
          summary: "Change a client",
          description:
            "Changes the given fields of a client, at once on every server. Tokens issued before stay valid.",
          permission: "manage_clients",
          output: clientSchemas.updatedClient,
          errors: [...errors, "unknown_client", "conflict"],
        })
        .input(clientSchemas.clientUpdate)
        .mutation(({ ctx, input }) => clients.update(ctx.caller, input)),

      rotateSecret: clientProcedure
        .meta({
          summary: "Rotate a client's secret",
          description: "Generates a new secret, shown once. The previous secret is accepted for the overlap.",
          permission: "manage_clients",
          output: clientSchemas.rotatedSecret,
          errors: [...errors, "unknown_client", "too_many_secrets", "conflict"],
        })
        .input(clientSchemas.rotateSecretInput)
        .mutation(({ ctx, input }) => clients.rotateSecret(ctx.caller, input)),

      remove: clientProcedure
        .meta({
          summary: "Remove a client",
          description: "Removes a client, and rejects it at once on every server.",
          permission: "manage_clients",
          output: clientSchemas.removeClientInput,
          errors: [...errors, "unknown_client", "conflict"],
        })
        .input(clientSchemas.removeClientInput)
        .mutation(({ ctx, input }) => clients.remove(ctx.caller, input.clientId)),
    },

    resources: {
      create: clientProcedure
        .meta({
          summary: "Add a resource",
          description:
            "Adds a service that accepts tokens. Its audience can be requested as `resource` (RFC 8707), by clients that may have that audience.",
          permission: "manage_clients",
          output: resource.resourceView,
          errors: [...errors, "resource_exists"],
        })
        .input(resource.newResource)
        .mutation(({ ctx, input }) => resources.create(ctx.caller, input)),

      list: clientProcedure
        .meta({
          summary: "List resources",
          description: "Returns every resource and its scopes.",
          permission: "manage_clients",
          output: resource.resourceViews,
          errors,
        })
        .input(schemas.nothing)
        .query(({ ctx }) => resources.list(ctx.caller)),

      remove: clientProcedure
        .meta({
          summary: "Remove a resource",
          description: "Removes a resource, at once on every server. Tokens issued before stay valid.",
          permission: "manage_clients",
          output: resource.removeResourceInput,
          errors: [...errors, "unknown_resource"],
        })
        .input(resource.removeResourceInput)
        .mutation(({ ctx, input }) => resources.remove(ctx.caller, input.audience)),
    },

    tokens: {
      find: clientProcedure
        .meta({
          summary: "Look up a token",
          description: "Returns when and to whom a token was issued, and whether it has expired or was revoked.",
          permission: "read_audit",
          output: lookups.foundToken,
          errors,
        })
        .input(lookups.findTokenInput)
        .query(({ ctx, input }) => service.findToken(ctx.caller, input.jti)),
    },

    grants: {
      list: clientProcedure
        .meta({
          summary: "List the grants of a subject",
          description:
            "Returns the grants of a subject that can be refreshed, newest first: its sessions. The permission `revoke` is enough, too.",
          permission: "read_audit",
          output: lookups.grantPage,
          errors,
        })
        .input(lookups.grantsQuery)
        .query(({ ctx, input }) => service.listGrants(ctx.caller, input)),
    },

    audit: {
      list: clientProcedure
        .meta({
          summary: "Read the audit log",
          description: "Returns who did what, when, and whether it was allowed. Newest first.",
          permission: "read_audit",
          output: schemas.auditPage,
          errors,
        })
        .input(schemas.auditQuery)
        .query(({ ctx, input }) => audit.list(ctx.caller, input)),
    },
  };
}
