import type { IncomingHttpHeaders } from "node:http";
import { send } from "./request.ts";

/** Scrapes a server as Prometheus does, and reads what it said: values by their name with its labels. */
export async function scrape(url: string, headers: Record<string, string> = {}) {
  const answer = await send(`${url}/metrics`, { headers });
  const lines = answer.text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const values = new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
  return {
    status: answer.status,
    headers: answer.headers as IncomingHttpHeaders,
    text: answer.text,
    values,
    /** The value of one of ours; what was never counted is not there. */
    of: (name: string) => values.get(`mintmark_${name}`),
  };
}
