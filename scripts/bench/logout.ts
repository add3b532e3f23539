import * as openid from "openid-client";
import { createTokenClient } from "../../src/client/client.ts";
import { createVerifier, type Verifier } from "../../src/verifier/verifier.ts";
import { startPostgres } from "../../test/support/postgres.ts";
import { freePort } from "../../test/support/process.ts";
import { BYE, CALLBACK, discover, signInTo } from "../../test/support/relying-party.ts";
import { openWebBrowser } from "../../test/support/web-browser.ts";
import { revokeAndWatch } from "./revoke.ts";
import { inMilliseconds, type Report, startOwnServer } from "./support.ts";

const ROUNDS = 100;

/**
 * Log out everywhere: from the answer to the browser that logs out at one site, to the first refusal of the tokens of the other
 * site by its own verifiers, which follow the feed.
 */
export async function measure(): Promise<Report> {
  const report: Report = {};
  {
    const { url, stop } = await startOwnServer();
    report["1 verifier, one server (SQLite)"] = await run({ issuer: url, follow: url, verifiers: 1 });
    report["100 verifiers, one server (SQLite)"] = await run({ issuer: url, follow: url, verifiers: 100 });
    await stop();
  }
  {
    await using postgres = await startPostgres();
    const port = await freePort();
    const issuer = `http://127.0.0.1:${port}`;
    const shared = { DATABASE_URL: await postgres.newDatabase(), MINTMARK_KEK: "none", MINTMARK_ISSUER: issuer };
    const first = await startOwnServer({ ...shared, PORT: port });
    const second = await startOwnServer(shared);
    report["1 verifier at another server (PostgreSQL)"] = await run({ issuer, follow: second.url, verifiers: 1 });
    for (const server of [first, second]) await server.stop();
  }
  return report;
}

type Run = { issuer: string; follow: string; verifiers: number };

async function run({ issuer, follow, verifiers: count }: Run): Promise<string> {
  const [shop, bank] = [await addSite(issuer, "shop"), await addSite(issuer, "bank")];
  const verifiers = Array.from({ length: count }, () => createVerifier({ issuer, audience: issuer, url: follow }));
  await Promise.all(verifiers.map(({ ready }) => ready));
  const delays: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) delays.push(...(await logOut(verifiers, { issuer, shop, bank })));
  for (const verifier of verifiers) verifier.close();
  return inMilliseconds(delays);
}

type Site = Awaited<ReturnType<typeof addSite>>;

/** Signs a person in at both sites, and logs them out at the first. */
async function logOut(
  verifiers: readonly Verifier[],
  { issuer, shop, bank }: { issuer: string } & Record<"shop" | "bank", Site>,
) {
  const browser = openWebBrowser({ server: { url: issuer, service: { issuer } } });
  const { id_token: id_token_hint = "" } = await signInTo(shop, browser);
  const { access_token: token } = await signInTo(bank, browser);
  for (const verifier of verifiers) await verifier.verify(token);
  const url = openid.buildEndSessionUrl(shop.config, { id_token_hint, post_logout_redirect_uri: BYE });
  return revokeAndWatch(verifiers, token, async () => {
    const { location } = await browser.get(url.href);
    if (location !== BYE) throw new Error(`the browser went to ${location}`);
  });
}

async function addSite(issuer: string, name: string) {
  const uris = { redirectUris: [CALLBACK], postLogoutRedirectUris: [BYE] };
  const site = { name, permissions: [], firstParty: true, ...uris };
  return { config: await discover(issuer, await createTokenClient({ url: issuer }).clients.create.mutate(site)) };
}
