import { tracked } from "@trpc/server";
import { z } from "zod";
import { MintmarkError } from "../errors.ts";
import type { Caller } from "../service/access/caller.ts";
import type { TokenService } from "../service/service.ts";
import { identifier } from "../token/claims.ts";
import type { TrustUpdate } from "../trust/trust-update.ts";
import { toTrpcError } from "../verifier/middleware/trpc-error.ts";
import { keyId, revoked, revokedToken } from "./admin-schemas.ts";
import { sessionId } from "./lookup-schemas.ts";
import { CLIENT_ERRORS, type ClientProcedure } from "./procedure.ts";
import { presentedToken } from "./token-schemas.ts";

/** The procedures that revoke, and the feed. Independent of the custom claims. */
export type TrustProcedures = ReturnType<typeof trustProcedures>;

type Trusted = Pick<TokenService, "revokeToken" | "revokeAll" | "revokeGrant" | "follow" | "keys">;

const cursor = z.string().max(1000);

const eventsInput = z
  .strictObject({
    after: cursor
      .optional()
      .meta({ description: "The id of the last received update. Default: start with a snapshot." }),
    // Set by tRPC at a reconnection.
    lastEventId: cursor.optional(),
  })
  .optional();

const revokeInput = z
  .strictObject({
    subject: z
      .optional(identifier)
      .meta({ description: "Revokes every token about this subject issued until now.", examples: ["ada"] }),
    clientId: z.optional(identifier).meta({ description: "Revokes every token issued to this client until now." }),
    sid: sessionId.optional().meta({ description: "Revokes this grant and every token issued with it." }),
    keyId: keyId.optional().meta({ description: "Revokes this key and every token that it signed." }),
  })
  .refine((input) => Object.values(input).filter((value) => value !== undefined).length === 1, {
    message: "must have one of subject, clientId, sid and keyId",
  });

export function trustProcedures(service: Trusted, clientProcedure: ClientProcedure) {
  const errors = ["invalid_request", ...CLIENT_ERRORS] as const;

  return {
    revokeToken: clientProcedure
      .meta({
        summary: "Revoke a token",
        description:
          "Revokes an access token, or a refresh token and its whole grant. An unknown token is no error (RFC 7009 §2.2); the answer then has no `revoked`.",
        permission: "revoke",
        output: revokedToken,
        errors: [...errors, "verifier_stale"],
      })
      .input(presentedToken)
      .mutation(({ ctx, input }) => service.revokeToken(ctx.caller, input.token)),

    revoke: clientProcedure
      .meta({
        summary: "Revoke all tokens of a subject, a client, a grant or a key",
        description: "Revokes every token issued until now.",
        permission: "revoke",
        output: revoked,
        errors: [...errors, "unknown_key", "no_key_pairs"],
      })
      .input(revokeInput)
      .mutation(({ ctx, input }) => revokeAll(service, ctx.caller, input)),

    events: clientProcedure
      .meta({
        summary: "Follow the trust events",
        description: "Sends a snapshot, then every key change and every revocation as it happens.",
        permission: "follow_events",
        output: z.unknown(),
        errors: [...errors, "too_many_followers"],
        isShared: true,
      })
      .input(eventsInput)
      .subscription(({ ctx, input, signal }) => {
        const after = input?.lastEventId ?? input?.after;
        const updates = service.follow(ctx.caller, { after, signal });
        return trackedStream(updates);
      }),
  };
}

type Stream = ReturnType<Trusted["follow"]>;
type TrackedUpdate = ReturnType<typeof tracked<TrustUpdate>>;
type TrackedResult = IteratorResult<TrackedUpdate, undefined>;
type Tracked = { updates: Stream };

/** The updates with their cursors. No generator, which could not be ended while it waits. */
function trackedStream(updates: Stream): AsyncIterableIterator<TrackedUpdate, undefined> & Tracked {
  return { updates, next, return: end, [Symbol.asyncIterator]: itself };
}

function next(this: Tracked): Promise<TrackedResult> {
  return this.updates.next().then(asTracked, throwMapped);
}

function end(this: Tracked): Promise<TrackedResult> {
  return this.updates.return().then(asTracked);
}

function itself<Stream>(this: Stream): Stream {
  return this;
}

function asTracked({ value, done = false }: Awaited<ReturnType<Stream["next"]>>): TrackedResult {
  if (done || value === undefined) return { value: undefined, done: true };
  return { value: tracked<TrustUpdate>(value.cursor, value.update), done };
}

/** Errors of a subscription do not pass through the procedure. */
function throwMapped(error: unknown): never {
  throw error instanceof MintmarkError ? toTrpcError(error) : error;
}

function revokeAll(
  service: Trusted,
  caller: Caller,
  { subject, clientId, sid, keyId }: z.infer<typeof revokeInput>,
): Promise<z.input<typeof revoked>> {
  if (subject !== undefined) return service.revokeAll(caller, { kind: "subject", id: subject });
  if (clientId !== undefined) return service.revokeAll(caller, { kind: "client", id: clientId });
  if (sid !== undefined) return service.revokeGrant(caller, sid);
  if (keyId !== undefined) return service.keys.revoke(caller, keyId);
  throw new MintmarkError("invalid_request");
}
