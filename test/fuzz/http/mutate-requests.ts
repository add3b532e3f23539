import type { Random } from "../../support/random.ts";
import { mutate } from "../mutate.ts";
import type { Conversation } from "./requests.ts";

const BODY = Buffer.from("\r\n\r\n");

/** Changes bodies, and targets within the allowed characters: every request stays one. */
export function mutateParts(
  { requests, from, isFramed }: Conversation,
  { requests: [other = BODY] }: Conversation,
  random: Random,
): Conversation {
  if (!isFramed) return { requests, from, isFramed };
  const changed = requests.map((request) => {
    if (random.chance(0.5)) return request;
    const end = request.indexOf(BODY) + BODY.length;
    const body = request.subarray(end);
    if (body.length > 0) {
      const donor = other.subarray(other.indexOf(BODY) + BODY.length);
      return Buffer.concat([request.subarray(0, end), mutate(body, random, donor)]);
    }
    const line = request.indexOf("\r\n");
    const [method = "", target = "", version = ""] = request.toString("latin1", 0, line).split(" ");
    const mutated = mutate(Buffer.from(target, "latin1"), random, Buffer.from("/trpc/getToken?input=")).toString(
      "latin1",
    );
    const sound = mutated.replace(/[^\x21-\x7e]/g, "%").replace(/^\/?/, "/");
    return Buffer.concat([Buffer.from([method, sound, version].join(" "), "latin1"), request.subarray(line)]);
  });
  return { requests: changed, from, isFramed };
}

/** Changes any byte of one request, which may become several or none. */
export function mutateAnywhere({ requests, from }: Conversation, other: Conversation, random: Random): Conversation {
  if (requests.length === 0 || other.requests.length === 0) return { requests, from, isFramed: false };
  return { requests: [mutate(random.pick(requests), random, random.pick(other.requests))], from, isFramed: false };
}
