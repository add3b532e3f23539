import { once } from "node:events";
import type { ServerResponse } from "node:http";

/** Of the connection (RFC 9110 §7.6.1), and set beside those of this server. */
const LEFT_OUT = new Set(["connection", "keep-alive", "set-cookie", "transfer-encoding", "upgrade"]);

/** Of a body before `fetch` has decoded it. */
const OF_ENCODED_BODY = new Set(["content-encoding", "content-length"]);

/** Sends the response of a sign-in hook. A body is sent as the client reads it. Rejects where the body fails. */
export async function sendResponse(response: ServerResponse, given: Response): Promise<void> {
  const isFetched = given.url !== "";
  if (!given.headers.has("cache-control")) response.setHeader("cache-control", "no-store");
  for (const [name, value] of given.headers)
    if (!LEFT_OUT.has(name) && !(isFetched && OF_ENCODED_BODY.has(name))) response.setHeader(name, value);
  response.writeHead(given.status);
  if (given.body === null) return void response.end();
  await sendBody(response, given.body);
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
