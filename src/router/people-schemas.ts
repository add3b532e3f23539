import { z } from "zod";
import type { ApplicationSignIn } from "../service/authorization/application-sign-in.ts";
import type { Person } from "../service/authorization/step.ts";
import type { TokenService } from "../service/service.ts";
import { introductions } from "../store/client.ts";
import { type ClaimsSchema, identifier, scopeString } from "../token/claims.ts";
import { exampleOf, requestedClaims } from "../token/describe-claims.ts";
import { described } from "./described.ts";
import { clientName, pageQuery, seconds, sessionId } from "./lookup-schemas.ts";

const subjectQuery = described(identifier, { description: "Who signed in.", examples: ["ada"] });

export const sessionsQuery = z.strictObject({
  subject: subjectQuery,
  ...pageQuery,
});

export const sessionPage = z.strictObject({
  sessions: z.array(
    z.strictObject({
      sid: z.string().meta({ description: "The `sid` claim of all tokens that came by it." }),
      subject: z.string(),
      authTime: seconds.meta({ description: "When the person last proved who they are." }),
      createdAt: seconds,
      expiresAt: seconds,
    }),
  ),
  next: z.string().optional().meta({ description: "The `before` of the next page; absent on the last." }),
});

export const revokeSessionInput = z.strictObject({
  sid: sessionId.meta({ description: "The session that ends, with all tokens that came by it." }),
});

export const revokedSession = z.strictObject({
  sequence: z.int(),
  unknownSession: z
    .literal(true)
    .optional()
    .meta({ description: "The session is unknown. Tokens with its `sid` are revoked all the same." }),
});

export const consentsQuery = z.strictObject({ subject: subjectQuery });

export const consentViews = z.array(
  z.strictObject({
    subject: z.string(),
    clientId: z.string(),
    clientName,
    host: z.string().meta({ description: "Where the codes of the client go: a host, a scheme, or `device`." }),
    audience: z.string().meta({ description: "The resource." }),
    scopes: z.array(z.string()),
    at: seconds.meta({ description: "When the person last agreed." }),
  }),
);

export const revokeConsentsInput = z.strictObject({
  subject: subjectQuery,
  clientId: described(identifier, { description: "The client that loses the consents and its grants." }),
});

export const revokedConsents = z.strictObject({
  consents: z.int().meta({ description: "How many consents were removed." }),
  grants: z.int().meta({ description: "How many grants were revoked." }),
});

const handle = z
  .string()
  .regex(/^[\w-]{43}$/, "must be the handle of a sign-in")
  .meta({ description: "The parameter `handle` with which the browser came." });

export const handleInput = z.strictObject({ handle });

export const describedSignIn = z.strictObject({
  client: z
    .strictObject({
      clientId: z.string(),
      name: z.string(),
      introduced: z.enum(introductions).optional().meta({
        description: "How it introduced itself: nobody has checked its name. Absent: an administrator added it.",
      }),
      origin: z.string().optional().meta({ description: "The host of the document by which it introduced itself." }),
    })
    .meta({ description: "The client that asks." }),
  resources: z.array(z.strictObject({ audience: z.string(), name: z.string() })),
  scopes: z.array(z.strictObject({ name: z.string(), description: z.string().optional() })),
  loginHint: z.string().optional().meta({ description: "Who the person may be, as the client says." }),
  maxAge: z
    .int()
    .optional()
    .meta({ description: "The longest time since the person signed in, in seconds as of now." }),
});

export const signInReturn = z.strictObject({
  url: z.string().meta({ description: "Where to send the browser." }),
});

/** The input of `signIn.accept`. `claims` is optional where their schema accepts `{}`. */
export type AcceptInput<Schema extends ClaimsSchema> = { handle: string } & Omit<Person, "claims"> &
  RequestedClaims<z.input<Schema>>;

type RequestedClaims<Custom> = EmptyObject extends Custom ? { claims?: Custom | undefined } : { claims: Custom };
type EmptyObject = Record<never, never>;

export function acceptInput<Schema extends ClaimsSchema>({
  claims,
}: Pick<TokenService<Schema>, "claims">): z.ZodType<
  Parameters<ApplicationSignIn<z.input<Schema>>["accept"]>[1],
  AcceptInput<Schema>
> {
  const example = exampleOf(claims);
  return z.strictObject({
    handle,
    subject: described(identifier, {
      description: "Identifies the person for ever (`sub`). Not an e-mail address, which can change its owner.",
      examples: ["ada"],
    }),
    authTime: z.int().min(0).optional().meta({ description: "When the person proved who they are. Default: now." }),
    claims: z
      .prefault(requestedClaims(claims), {})
      .meta({ description: "Custom claims of the person's tokens.", ...(example && { examples: [example] }) }),
    scope: z.optional(
      described(z.union([scopeString, z.literal("")]), {
        description: "The scope tokens that the person may grant, separated by spaces. Default: all.",
      }),
    ),
    profile: z.record(z.string(), z.unknown()).optional().meta({
      description: "Standard claims of OpenID Connect, such as `name` and `email`, for clients with their scopes.",
    }),
  }) as unknown as ReturnType<typeof acceptInput<Schema>>;
}
