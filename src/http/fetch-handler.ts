import { StartError } from "../errors.ts";
import type { TokenService } from "../service/service.ts";
import type { ClaimsSchema } from "../token/claims.ts";
import { answerByListener } from "./fetch-bridge.ts";
import { createListener } from "./listener.ts";
import { checkFetchHandlerOptions, type FetchHandlerOptions } from "./options.ts";
import { isLoopback, isLoopbackUrl } from "./request/origin.ts";

/**
 * Makes a fetch handler with everything that the server has: the procedures, the feed and the documents. For route handlers
 * of Next.js, SvelteKit and Remix, for Hono, Bun and Deno:
 *
 *     const service = await createTokenService({ issuer: "https://app.example/api/auth", open: false });
 *     const handler = createFetchHandler(service);
 *     export { handler as GET, handler as HEAD, handler as OPTIONS, handler as POST };
 *
 * It answers at the root and below `basePath`. Throws a `StartError` for wrong options, and where access is open and the
 * issuer is not loopback: every client would have every permission. Where access is open, it refuses requests by a host name
 * that is not loopback (DNS rebinding), and from an `address` that is not.
 */
export function createFetchHandler<Schema extends ClaimsSchema>(
  service: TokenService<Schema>,
  options: FetchHandlerOptions<Schema> = {},
): (request: Request) => Promise<Response> {
  checkFetchHandlerOptions(options);
  const { address = () => undefined, ...rest } = options;
  const { open, issuer } = service;
  if (open && !isLoopbackUrl(issuer))
    throw new StartError(
      `${issuer} is not loopback, and access is open: every client would have every permission. Set open: false`,
    );
  const listener = createListener(service, { ...rest, peerOf: ({ socket }) => socket.remoteAddress });
  return (request) => {
    const peer = address(request);
    // Whatever host name it uses.
    if (open && peer !== undefined && !isLoopback(peer)) return Promise.resolve(foreign());
    return answerByListener(listener, request, peer);
  };
}

function foreign(): Response {
  const headers = { "cache-control": "no-store", "x-content-type-options": "nosniff" };
  return new Response("Access is open, and so to this machine only\n", { status: 403, headers });
}
