import { createTRPCClient, httpBatchLink, type TRPCClient, TRPCClientError } from "@trpc/client";
import { catalogue } from "../errors.ts";
import type { TokenRouter } from "../router/router.ts";
import type { ErrorShape } from "../router/trpc.ts";
import type { ClaimsSchema } from "../token/claims.ts";
import { basic, type Credentials } from "../verifier/basic.ts";

export type TokenClientOptions = {
  /** Where the service is, without `/trpc`: `http://127.0.0.1:3000`. */
  url: string | URL;
  /** Who calls. Sent as HTTP Basic, never in a URL. Not needed where access is open. */
  credentials?: Credentials;
};

/** Calls that start in the same turn of the event loop share one request, at most this many. */
const MAX_BATCH = 50;

/**
 * Makes a typed client. `TokenRouter<typeof claims>` as the type parameter types the custom claims:
 *
 *     const client = createTokenClient<TokenRouter<typeof claims>>({ url });
 *     const { token } = await client.getToken.query({ claims: { role: "reader" } });
 *
 * Queries are sent by POST, so that no input is ever part of a URL. Calls that the service refuses
 * reject with an error that {@link isTokenError} narrows; one that never reached it is none of those.
 */
export function createTokenClient<Router extends TokenRouter<ClaimsSchema> = TokenRouter>({
  url,
  credentials,
}: TokenClientOptions): TRPCClient<Router> {
  const link = httpBatchLink<TokenRouter>({
    url: `${String(url).replace(/\/+$/, "")}/trpc`,
    maxItems: MAX_BATCH,
    methodOverride: "POST",
    ...(credentials && { headers: { authorization: basic(credentials) } }),
  });
  return createTRPCClient<TokenRouter>({ links: [link] }) as unknown as TRPCClient<Router>;
}

/** An error that the service answered with. `data.reason` tells why. */
export type TokenError = TRPCClientError<TokenRouter> & { data: ErrorShape["data"] };

/** Whether a call was refused by the service, as opposed to failing on its way. */
export function isTokenError(error: unknown): error is TokenError {
  return error instanceof TRPCClientError && Object.hasOwn(catalogue, String(error.data?.reason));
}
