import { describe, expect, it } from "vitest";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { basic } from "../support/call-as.ts";
import { addClient } from "../support/clients.ts";
import { follow } from "../support/follow.ts";
import { scrape } from "../support/metrics.ts";
import { send } from "../support/request.ts";
import { openServer } from "../support/service.ts";
import { openServerOnLeavable } from "../support/store-away.ts";

type Server = { url: string };

async function feed({ url }: Server, authorization?: string, query = "") {
  const { status, headers, text } = await send(`${url}/trpc/events${query}`, {
    headers: { accept: "text/event-stream", ...(authorization && { authorization }) },
  });
  return { status, headers, error: JSON.parse(text).error };
}

/** What every refusal has beside its reason. */
const ALWAYS = { "content-type": "application/json", "cache-control": "no-store" };

describe("the feed of trust events", () => {
  it("rejects unknown clients and invalid input by a status, before it sends anything", async () => {
    await using server = await openServer({ open: false });
    const client = await addClient(server.service, { permissions: ["follow_events"] });
    const other = await addClient(server.service, { permissions: ["issue"] });
    const known = basic(client);
    const rows: [authorization: string | undefined, query: string, status: number, reason: string][] = [
      [undefined, "", 401, "invalid_client"],
      [basic({ ...client, clientSecret: "wrong" }), "", 401, "invalid_client"],
      [basic(other), "", 403, "permission_denied"],
      [known, "?input=%7B%22after%22%3A1%7D", 400, "invalid_request"],
      [known, "?input=%7B%22foo%22%3A1%7D", 400, "invalid_request"],
      [known, "?input=%7B", 400, "malformed_request"],
    ];
    for (const [authorization, query, status, reason] of rows) {
      const { error, ...answer } = await feed(server, authorization, query);
      expect([answer.status, error.data.reason, error.data.path]).toEqual([status, reason, "events"]);
      expect(answer.headers).toMatchObject({ ...ALWAYS, "x-request-id": expect.stringMatching(/./) });
      expect(answer.headers["www-authenticate"] ?? "").toMatch(status === 401 ? /^Basic / : /^$/);
    }
    const { of } = await scrape(server.url, { authorization: basic(await admin(server)) });
    expect(of('http_requests_total{route="/trpc/events",status="4xx"}')).toBe(rows.length);
    expect(of('http_requests_total{route="/trpc/events",status="2xx"}')).toBeUndefined();
  });

  const admin = ({ service }: Awaited<ReturnType<typeof openServer>>) =>
    addClient(service, { permissions: ["read_metrics"] });

  it("sends Retry-After to one follower too many, and a verifier reconnects then", async () => {
    await using server = await openServer({ open: false, maxFollowers: { total: 1, perClient: 0 } });
    const client = await addClient(server.service, { permissions: ["follow_events"] });
    const { status, headers, error } = await feed(server, basic(client));
    expect(headers).toMatchObject({ ...ALWAYS, "retry-after": "10" });
    expect([status, error.data.reason]).toEqual([429, "too_many_followers"]);
    let asked = 0;
    const counting = (url: string, init: RequestInit) => {
      asked += 1;
      return fetch(url, init);
    };
    const verifier = createVerifier({ issuer: server.url, audience: server.url, credentials: client, fetch: counting });
    await expect.poll(() => asked).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(asked).toBe(1);
    await verifier.close();
  });

  it("answers 503 while the database is down, and serves when it is back", async () => {
    await using server = await openServerOnLeavable();
    const authorization = basic(await addClient(server.service, { permissions: ["follow_events"] }));
    server.leave();
    const { status, error } = await feed(server, authorization);
    expect([status, error.data.reason]).toEqual([503, "unavailable"]);
    server.comeBack();
    expect(await follow(server.url, { authorization })).toMatchObject({ status: 200, reason: "served" });
  });
});
