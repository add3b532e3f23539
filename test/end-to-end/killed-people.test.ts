import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { createTokenClient } from "../../src/client/client.ts";
import { encodeForm, postForm } from "../support/oauth.ts";
import { CHALLENGE, VERIFIER } from "../support/people.ts";
import { describePostgres, sharedPostgres } from "../support/postgres.ts";
import { freePort, startServer } from "../support/process.ts";
import { temporaryFolder } from "../support/service.ts";
import { openWebBrowser, type WebBrowser } from "../support/web-browser.ts";

/** Number of kills of each server. MINTMARK_TEST_KILLS sets another. */
const KILLS = Number(process.env.MINTMARK_TEST_KILLS ?? 2);
const TIMEOUT = 60_000 + KILLS * 5000;
/** Milliseconds: a code lives for a minute. */
const CODE_AGE = 30_000;
const REDIRECT_URI = "https://shop.example/callback";

type Client = { clientId: string; clientSecret: string };
type Code = { code: string; client: Client; at: number };
type Session = { visitor: WebBrowser; subject: string; agreed: boolean };

/** What was acknowledged, stored outside the servers. */
type Ledger = {
  first: Client;
  third: Client;
  live: Session[];
  ended: Session[];
  codes: Code[];
  used: Code[];
  acknowledged: number;
};

const authorizeUrl = (origin: string, { clientId }: Client, more: Record<string, string> = {}) =>
  `${origin}/oauth/authorize?${encodeForm({
    ...{ client_id: clientId, redirect_uri: REDIRECT_URI, response_type: "code", scope: "openid" },
    ...{ code_challenge: CHALLENGE, code_challenge_method: "S256", ...more },
  })}`;

const until = REDIRECT_URI;
const codeIn = (url: string) => new URL(url).searchParams.get("code");

function exchange(origin: string, { code, client }: Code) {
  const parameters = { grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER };
  return postForm(origin, "token", { parameters, as: client });
}

/** A person signs in, agrees to the other client, one code is exchanged, and maybe the session is ended. */
async function signInUntilKilled(origin: string, ledger: Ledger): Promise<void> {
  const admin = createTokenClient({ url: origin });
  try {
    for (;;) {
      const [visitor, subject] = [openWebBrowser(), randomBytes(8).toString("hex")];
      const session: Session = { visitor, subject, agreed: false };
      const note = (url: string, client: Client) =>
        ledger.codes.push({ code: codeIn(url) ?? "", client, at: Date.now() });
      const page = await visitor.open(authorizeUrl(origin, ledger.first), { until });
      note((await visitor.submit(page, { subject, claims: "{}" }, { until })).url, ledger.first);
      ledger.live.push(session);
      const question = await visitor.open(authorizeUrl(origin, ledger.third), { until });
      note((await visitor.submit(question, { decision: "allow" }, { until })).url, ledger.third);
      session.agreed = true;
      ledger.acknowledged += 3;
      const [code] = ledger.codes.splice(-1);
      if (code !== undefined && (await exchange(origin, code)).status === 200) ledger.used.push(code);
      if (Math.random() < 0.5) continue;
      // Without an acknowledgement, it may have ended.
      ledger.live.splice(ledger.live.indexOf(session), 1);
      ledger.codes = [];
      const { sessions } = await admin.sessions.list.query({ subject });
      await admin.sessions.revoke.mutate({ sid: sessions[0]?.sid ?? "" });
      ledger.ended.push(session);
      ledger.acknowledged += 1;
    }
  } catch {
    // The server was killed meanwhile.
  }
}

/** A busy machine is slow. */
const WAIT = { timeout: 20_000, interval: 10 };

/** Compares a restarted server with the ledger: the latest of each kind. */
async function expectNothingLost(origin: string, ledger: Ledger): Promise<void> {
  const answerTo = async ({ visitor }: Session, client: Client) => {
    const { url } = await visitor.open(authorizeUrl(origin, client, { prompt: "none" }), { until });
    return codeIn(url) === null ? new URL(url).searchParams.get("error") : "code";
  };
  for (const session of ledger.live.slice(-5)) {
    expect(await answerTo(session, ledger.first)).toBe("code");
    if (session.agreed) expect(await answerTo(session, ledger.third)).toBe("code");
  }
  for (const session of ledger.ended.slice(-5)) expect(await answerTo(session, ledger.first)).toBe("login_required");
  for (const code of ledger.codes.splice(0).slice(-5)) {
    if (Date.now() - code.at > CODE_AGE) continue;
    expect((await exchange(origin, code)).json).toMatchObject({ access_token: expect.any(String) });
    ledger.used.push(code);
  }
  for (const code of ledger.used.slice(-5))
    expect((await exchange(origin, code)).json).toMatchObject({ error_reason: "invalid_code" });
}

async function killAgainAndAgain(environment: Record<string, string>): Promise<number> {
  const fixed = { PORT: await freePort(), ...environment };
  let ledger: Ledger | undefined;
  for (let kill = 0; kill <= KILLS; kill += 1) {
    await using server = await startServer(fixed);
    ledger ??= await openLedger(server.origin);
    await expectNothingLost(server.origin, ledger);
    if (kill === KILLS) break;
    const { acknowledged } = ledger;
    const people = Array.from({ length: 3 }, () => signInUntilKilled(server.origin, ledger as Ledger));
    await vi.waitFor(() => expect(ledger?.acknowledged).toBeGreaterThan(acknowledged), WAIT);
    await sleep(Math.random() * 500);
    await server.stop("SIGKILL");
    await Promise.all(people);
  }
  return ledger?.acknowledged ?? 0;
}

async function openLedger(url: string): Promise<Ledger> {
  const { clients } = createTokenClient({ url });
  const fields = { name: "shop", permissions: [], redirectUris: [REDIRECT_URI] };
  const [first, third] = [
    await clients.create.mutate({ ...fields, firstParty: true }),
    await clients.create.mutate(fields),
  ];
  return { first, third, live: [], ended: [], codes: [], used: [], acknowledged: 0 };
}

describe(`a server that is killed ${KILLS} times while people sign in`, () => {
  it(
    "has lost nothing that it acknowledged, on the embedded database",
    async () => {
      using folder = temporaryFolder();
      expect(await killAgainAndAgain({ MINTMARK_DATA: folder.path })).toBeGreaterThan(0);
    },
    TIMEOUT,
  );
});

describePostgres(`a server on PostgreSQL that is killed ${KILLS} times while people sign in`, () => {
  it(
    "has lost nothing that it acknowledged",
    async () => {
      const MINTMARK_KEK = randomBytes(32).toString("base64url");
      const environment = { DATABASE_URL: await sharedPostgres.newDatabase(), MINTMARK_KEK };
      expect(await killAgainAndAgain(environment)).toBeGreaterThan(0);
    },
    TIMEOUT,
  );
});
