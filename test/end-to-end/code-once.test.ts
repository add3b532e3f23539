import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { type FormAnswer, postForm } from "../support/oauth.ts";
import { CHALLENGE, VERIFIER } from "../support/people.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { startServer } from "../support/process.ts";
import { temporaryFolder } from "../support/service.ts";
import { openWebBrowser } from "../support/web-browser.ts";

/** A thousand in `npm run kills`: two servers on two cores need a minute for them. */
const ATTEMPTS = process.env.MINTMARK_TEST_KILLS === undefined ? 100 : 1000;
/** In milliseconds. */
const TIMEOUT = 120_000;
const REDIRECT_URI = "https://shop.example/callback";
const UNLIMITED = { MINTMARK_RATE_ISSUE: "0", MINTMARK_RATE_ISSUE_ADDRESS: "0" };

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

/** Signs a person in on the page of development, and returns a client and its code. */
async function codeAt(origin: string) {
  const fields = { name: "shop", permissions: [], redirectUris: [REDIRECT_URI], firstParty: true };
  const client = await createTokenClient({ url: origin }).clients.create.mutate(fields);
  const query = new URLSearchParams({
    ...{ client_id: client.clientId, redirect_uri: REDIRECT_URI, response_type: "code", scope: "openid" },
    ...{ code_challenge: CHALLENGE, code_challenge_method: "S256" },
  });
  const visitor = openWebBrowser();
  const page = await visitor.open(`${origin}/oauth/authorize?${query}`);
  const { url } = await visitor.submit(page, { subject: "ada", claims: "{}" }, { until: REDIRECT_URI });
  return { client, code: new URL(url).searchParams.get("code") ?? "" };
}

/** A busy database has no time for a thousand at once. Then a client retries. */
async function persistently(send: () => Promise<FormAnswer>): Promise<FormAnswer> {
  for (;;) {
    const answer = await send();
    if (answer.status !== 503) return answer;
    await sleep(50);
  }
}

/** Presents one code many times at once, at all of these servers by turns. */
async function redeemAtOnce(origins: readonly string[]) {
  const { client, code } = await codeAt(origins[0] ?? "");
  const parameters = { grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER };
  const attempts = Array.from({ length: ATTEMPTS }, (_, at) =>
    persistently(() => postForm(origins[at % origins.length] ?? "", "token", { parameters, as: client })),
  );
  return Promise.all(attempts);
}

/** One attempt alone got a grant, and nothing of it is left: the code was copied. */
async function expectOneGrant(origins: readonly string[]): Promise<void> {
  const answers = await redeemAtOnce(origins);
  const [redeemed, ...others] = answers.filter(({ status }) => status === 200);
  expect(others).toEqual([]);
  const refusals = answers.filter((answer) => answer !== redeemed);
  expect(new Set(refusals.map(({ status, json }) => `${status} ${json.error_reason}`))).toEqual(
    new Set(["400 invalid_code"]),
  );
  const { access_token: token = "", refresh_token: refreshToken = "" } = redeemed?.json ?? {};
  for (const url of origins) {
    const client = createTokenClient({ url });
    await expect(client.verifyToken.mutate({ token: String(token) })).rejects.toMatchObject({
      data: { reason: "token_revoked" },
    });
    expect((await client.grants.list.query({ subject: "ada" })).grants).toEqual([]);
    const { records } = await client.audit.list.query({ action: "exchangeCode", outcome: "allowed", limit: 9 });
    expect(records).toHaveLength(1);
  }
  expect(refreshToken).not.toBe("");
}

describe(`a code that is exchanged ${ATTEMPTS} times at once`, () => {
  it(
    "gives one grant, which ends, at two processes on the embedded database",
    async () => {
      const environment = { MINTMARK_DATA: join(folder.path, "data"), MINTMARK_WORKERS: "2", ...UNLIMITED };
      await using server = await startServer(environment);
      await expectOneGrant([server.origin]);
    },
    TIMEOUT,
  );
});

describePostgres(`a code that is exchanged ${ATTEMPTS} times at once at two servers on PostgreSQL`, () => {
  it(
    "gives one grant, which ends",
    async () => {
      const environment = {
        DATABASE_URL: await sharedPostgres.newDatabase(),
        MINTMARK_KEK: randomBytes(32).toString("base64url"),
        MINTMARK_ISSUER: "http://127.0.0.1:3000",
        ...UNLIMITED,
      };
      await using first = await startServer(environment);
      await using second = await startServer(environment);
      await expectOneGrant([first.origin, second.origin]);
    },
    TIMEOUT,
  );
});
