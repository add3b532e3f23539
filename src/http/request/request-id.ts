import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** What can do no harm in a log or in an answer. */
const ACCEPTABLE = /^[A-Za-z0-9._-]{1,64}$/;

const ids = new WeakMap<IncomingMessage, string>();

/**
 * What a request is called in the log, and in `x-request-id` of an answer that refuses it: the name that it came with,
 * by which those on its way know it, or a new one. It is made when it is first asked for, since of most
 * requests there is nothing to be told.
 */
export function requestIdOf(request: IncomingMessage): string {
  const known = ids.get(request);
  if (known !== undefined) return known;
  const given = request.headers["x-request-id"];
  const id = typeof given === "string" && ACCEPTABLE.test(given) ? given : randomUUID();
  ids.set(request, id);
  return id;
}
