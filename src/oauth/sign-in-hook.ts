import { MintmarkError } from "../errors.ts";
import type { Person, SignInStep } from "../service/authorization/step.ts";
import type { ClaimsSchema } from "../token/claims.ts";
import { isPlainObject } from "../token/json.ts";
import type { SignInMethod } from "./sign-in-method.ts";

/** What a sign-in hook is called with, beside the request. */
export type SignInContext = Pick<SignInStep, "url" | "client" | "loginHint" | "maxAge">;

/**
 * Finds out who the person at a browser is, by the session that the application has. It receives the request without a body,
 * and returns the person, or a response that sends the browser to sign in and afterwards to `context.url`. Called once a
 * sign-in session of Mintmark, and again where a client requires a new sign-in: then `context.maxAge`, in seconds, is the
 * longest time since the person signed in, and an older `authTime` is answered with `login_required`.
 *
 *     const location = `/login?return_to=${encodeURIComponent(context.url)}`;
 *     return new Response(null, { status: 303, headers: { location } });
 *
 * `Response.redirect` takes absolute URLs only. Not checked: who the person is.
 */
export type SignInHook<Schema extends ClaimsSchema> = (
  request: Request,
  context: SignInContext,
) => SignInHookResult<Schema> | Promise<SignInHookResult<Schema>>;

type SignInHookResult<Schema extends ClaimsSchema> = Response | Person<Schema["_zod"]["input"]>;

/** The sign-in method of a hook. It rejects where the hook rejects, or returns something else. */
export function methodOfHook<Schema extends ClaimsSchema>(hook: SignInHook<Schema>): SignInMethod {
  return {
    async signIn(request, { url, client, loginHint, maxAge }) {
      const result: unknown = await hook(request, { url, client, loginHint, maxAge });
      if (isResponse(result)) return { outcome: "response", response: result };
      if (isPerson(result)) return { outcome: "person", person: result };
      const message = "returned neither a person with a subject nor a Response that can be sent";
      throw new MintmarkError("internal_error", { issues: [{ path: "signIn", message }] });
    },
  };
}

/** Not by `instanceof`: frameworks bring their own. That of `Response.error()` has the status 0, which cannot be sent. */
function isResponse(value: unknown): value is Response {
  if (typeof value !== "object" || value === null || !("status" in value) || !("headers" in value)) return false;
  const { status, headers, body } = value as Partial<Response>;
  const isSendable = Number.isInteger(status) && Number(status) >= 200 && body?.locked !== true;
  return isSendable && typeof headers?.getSetCookie === "function" && !(value as Response).bodyUsed;
}

function isPerson(value: unknown): value is Person {
  return isPlainObject(value) && typeof value.subject === "string";
}
