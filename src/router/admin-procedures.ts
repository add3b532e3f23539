import type { TokenService } from "../service/service.ts";
import * as schemas from "./admin-schemas.ts";
import { CLIENT_ERRORS, type ClientProcedure } from "./procedure.ts";

/** The procedures by which a token service is managed; none of them depends on the custom claims. */
export type AdminProcedures = ReturnType<typeof adminProcedures>;

type Managed = Pick<TokenService, "keys" | "clients" | "audit">;

export function adminProcedures({ keys, clients, audit }: Managed, clientProcedure: ClientProcedure) {
  const errors = ["invalid_request", ...CLIENT_ERRORS] as const;

  return {
    keys: {
      list: clientProcedure
        .meta({
          summary: "List keys",
          description: "Every key and the state it is in.",
          output: schemas.keyViews,
          errors,
        })
        .input(schemas.nothing)
        .query(({ ctx }) => keys.list(ctx.caller)),

      rotate: clientProcedure
        .meta({
          summary: "Rotate keys",
          description: "Makes the next key. It is published first and signs later, unless `immediate`.",
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
          description: "Adds a machine client. Its secret is shown this once.",
          output: schemas.createdClient,
          errors,
        })
        .input(schemas.newClient)
        .mutation(({ ctx, input }) => clients.create(ctx.caller, input)),

      list: clientProcedure
        .meta({
          summary: "List clients",
          description: "Every client and what it may do.",
          output: schemas.clientViews,
          errors,
        })
        .input(schemas.nothing)
        .query(({ ctx }) => clients.list(ctx.caller)),

      rotateSecret: clientProcedure
        .meta({
          summary: "Rotate a client's secret",
          description: "Makes a new secret, shown this once. The earlier one is accepted for the overlap.",
          output: schemas.rotatedSecret,
          errors: [...errors, "unknown_client", "too_many_secrets", "conflict"],
        })
        .input(schemas.rotateSecretInput)
        .mutation(({ ctx, input }) => clients.rotateSecret(ctx.caller, input)),

      remove: clientProcedure
        .meta({
          summary: "Remove a client",
          description: "Ends all its rights at once, on every server.",
          output: schemas.removeClientInput,
          errors: [...errors, "unknown_client"],
        })
        .input(schemas.removeClientInput)
        .mutation(({ ctx, input }) => clients.remove(ctx.caller, input.clientId)),
    },

    audit: {
      list: clientProcedure
        .meta({
          summary: "Read the audit log",
          description: "Who did what, when, and whether it was allowed. Newest first.",
          output: schemas.auditPage,
          errors,
        })
        .input(schemas.auditQuery)
        .query(({ ctx, input }) => audit.list(ctx.caller, input)),
    },
  };
}
