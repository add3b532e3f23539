import type { TokenService } from "../service/service.ts";
import type { ClaimsSchema } from "../token/claims.ts";
import * as schemas from "./people-schemas.ts";
import { CLIENT_ERRORS, type ClientProcedure } from "./procedure.ts";

/** The procedures for people's sign-in sessions and consents. Independent of the custom claims. */
export type PeopleProcedures = ReturnType<typeof peopleProcedures>;

type People = Pick<TokenService, "sessions" | "consents">;

const errors = ["invalid_request", ...CLIENT_ERRORS] as const;

export function peopleProcedures({ sessions, consents }: People, clientProcedure: ClientProcedure) {
  return {
    sessions: {
      list: clientProcedure
        .meta({
          summary: "List the sign-in sessions of a person",
          description:
            "Returns the sessions that have not ended, newest first. `read_audit` or `revoke` is enough, too.",
          permission: "sign_in",
          output: schemas.sessionPage,
          errors,
        })
        .input(schemas.sessionsQuery)
        .query(({ ctx, input }) => sessions.list(ctx.caller, input)),

      revoke: clientProcedure
        .meta({
          summary: "End a sign-in session",
          description:
            "Ends a session and revokes every token that came by it, at every client. `revoke` is enough, too.",
          permission: "sign_in",
          output: schemas.revokedSession,
          errors,
        })
        .input(schemas.revokeSessionInput)
        .mutation(({ ctx, input }) => sessions.revoke(ctx.caller, input.sid)),
    },

    consents: {
      list: clientProcedure
        .meta({
          summary: "List the consents of a person",
          description: "Returns what the person agreed to, newest first. `read_audit` or `revoke` is enough, too.",
          permission: "sign_in",
          output: schemas.consentViews,
          errors,
        })
        .input(schemas.consentsQuery)
        .query(({ ctx, input }) => consents.list(ctx.caller, input.subject)),

      revoke: clientProcedure
        .meta({
          summary: "End what a client may do for a person",
          description:
            "Removes the person's consents for the client and revokes its grants and their tokens. `revoke` is enough, too.",
          permission: "sign_in",
          output: schemas.revokedConsents,
          errors,
        })
        .input(schemas.revokeConsentsInput)
        .mutation(({ ctx, input }) => consents.revoke(ctx.caller, input)),
    },
  };
}

/** The procedures of an application at which people sign in. */
export function signInProcedures<Schema extends ClaimsSchema>(
  service: Pick<TokenService<Schema>, "signIn" | "claims">,
  clientProcedure: ClientProcedure,
) {
  const { signIn } = service;
  const meta = { permission: "sign_in", errors: [...errors, "unknown_sign_in"] } as const;
  return {
    describe: clientProcedure
      .meta({
        ...meta,
        summary: "Describe a sign-in",
        description: "Returns the client that a person signs in for, and what it asks for.",
        output: schemas.describedSignIn,
      })
      .input(schemas.handleInput)
      .query(({ ctx, input }) => signIn.describe(ctx.caller, input.handle)),

    accept: clientProcedure
      .meta({
        ...meta,
        summary: "Accept a sign-in",
        description: "Says who the person at the browser is. Send the browser to the URL in the answer.",
        output: schemas.signInReturn,
      })
      .input(schemas.acceptInput(service))
      .mutation(({ ctx, input }) => signIn.accept(ctx.caller, input)),

    refuse: clientProcedure
      .meta({
        ...meta,
        summary: "Refuse a sign-in",
        description: "The client receives `access_denied`, once the browser is sent to the URL in the answer.",
        output: schemas.signInReturn,
      })
      .input(schemas.handleInput)
      .mutation(({ ctx, input }) => signIn.refuse(ctx.caller, input.handle)),
  };
}
