import { once } from "node:events";
import { type ServerResponse, validateHeaderValue } from "node:http";

/** Of the connection (RFC 9110 §7.6.1), and set beside those of this server. */
const LEFT_OUT = new Set(["connection", "keep-alive", "set-cookie", "transfer-encoding", "upgrade"]);

/** Of a body before `fetch` has decoded it. */
const OF_ENCODED_BODY = new Set(["content-encoding", "content-length"]);

/**
 * Sends the response of a sign-in hook, with the values of `Set-Cookie` beside its own. A body is sent as the client reads it.
 * Rejects before anything is sent where a header cannot be sent, and later where the body fails.
 */
export async function sendResponse(
  response: ServerResponse,
  given: Response,
  setCookies: readonly string[],
): Promise<void> {
  const { headers, status, body } = given;
  const isFetched = given.url !== "";
  const sent = [...headers].filter(([name]) => !LEFT_OUT.has(name) && !(isFetched && OF_ENCODED_BODY.has(name)));
  const cookies = [...headers.getSetCookie(), ...setCookies];
  // The Fetch standard allows characters that `node:http` does not.
  for (const [name, value] of [...sent, ...cookies.map((cookie) => ["set-cookie", cookie] as const)])
    validateHeaderValue(name, value);
  // The client has left while the hook ran.
  if (response.headersSent || response.destroyed) return body?.cancel();
  if (!headers.has("cache-control")) response.setHeader("cache-control", "no-store");
  for (const [name, value] of sent) response.setHeader(name, value);
  if (cookies.length > 0) response.setHeader("set-cookie", cookies);
  response.writeHead(status);
  if (body === null) return void response.end();
  await sendBody(response, body);
}

async function sendBody(response: ServerResponse, body: ReadableStream<Uint8Array>): Promise<void> {
  const reader = body.getReader();
  const leaving = new AbortController();
  response.once("close", () => {
    leaving.abort();
    reader.cancel().catch(() => {});
  });
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read())
      if (!response.write(part.value)) await once(response, "drain", { signal: leaving.signal });
    response.end();
  } catch (error) {
    if (leaving.signal.aborted) return;
    // The head is sent: a cut connection is all that says that the body is not complete.
    response.destroy();
    throw error;
  }
}
