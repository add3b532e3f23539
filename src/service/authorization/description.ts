import type { AuthorizationRequest } from "../../store/authorization.ts";
import type { Client } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Seconds } from "../../time.ts";
import type { Audience } from "../../token/claims.ts";
import { baseOf } from "../../token/http-url.ts";
import type { AskingClient, ConsentStep } from "./step.ts";

/** What a person is asked for, in words: the names of the resources, and the descriptions of the scopes. */
export async function describeTarget(
  store: Pick<Store, "findResources">,
  { audience, scope }: { audience: Audience; scope: string | undefined },
): Promise<Pick<ConsentStep, "resources" | "scopes">> {
  const audiences = [audience].flat();
  const found = await store.findResources(audiences);
  const nameOf = (audience: string) => found.find((one) => one.audience === audience)?.name ?? audience;
  const descriptionOf = (name: string) =>
    found.flatMap(({ scopes }) => (Object.hasOwn(scopes, name) ? [scopes[name]] : [])).at(0);
  const names = scope?.split(" ") ?? [];
  return {
    resources: audiences.map((audience) => ({ audience, name: nameOf(audience) })),
    scopes: names.map((name) => ({ name, description: descriptionOf(name) })),
  };
}

/** A client for pages and for sign-in hooks. */
export function askingClient({ clientId, name, introduced }: Client): AskingClient {
  if (introduced === undefined) return { clientId, name };
  return { clientId, name, introduced, ...(introduced === "document" && { origin: new URL(clientId).host }) };
}

/** The earliest sign-in that a request accepts: the latest of all its bounds. */
export function oldestSignIn({
  prompt,
  maxAge,
  startedAt,
}: Pick<AuthorizationRequest, "prompt" | "maxAge" | "startedAt">): Seconds {
  return Math.max(prompt.login ? startedAt : 0, maxAge === undefined ? 0 : startedAt - maxAge);
}

/**
 * What a sign-in method must know of a request, as of `now`; see `SignInStep`. Where the person wants another account, that is
 * a demand for a new sign-in, which is not checked.
 */
export function signInDemand(
  request: Pick<AuthorizationRequest, "prompt" | "maxAge" | "startedAt" | "loginHint">,
  now: Seconds,
): { loginHint?: string; maxAge?: Seconds } {
  const since = request.prompt.select ? request.startedAt : oldestSignIn(request);
  return {
    ...(request.loginHint !== undefined && { loginHint: request.loginHint }),
    ...(since > 0 && { maxAge: Math.max(now - since, 0) }),
  };
}

/** Where a browser goes on with a stored request. */
export function continueUrl(issuer: string, handle: string): string {
  return `${baseOf(issuer)}/oauth/continue?handle=${handle}`;
}
