import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createTokenClient } from "../../src/client/client.ts";
import { startServer } from "../../test/support/process.ts";
import { openSite, type Register, type Site } from "./open-site.ts";
import type { Person } from "./person.ts";
import { inMs, print, step } from "./report.ts";

/**
 * Two sites on two names trust one issuer. A person signs in at the first, and the second opens without a question. They log out
 * at the first, and the verifier of the second refuses their token.
 */
export async function demonstrate(person: Person): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), "mintmark-demo-"));
  process.once("exit", () => rmSync(data, { recursive: true, force: true })).once("SIGINT", () => process.exit(130));

  const server = await startServer({ MINTMARK_DATA: data }, { entry: "source" });
  const { origin: issuer } = server;
  const admin = createTokenClient({ url: issuer });
  // First-party: no page asks for consent.
  const register: Register = (site) => admin.clients.create.mutate({ ...site, permissions: [], firstParty: true });
  const shop = await openSite("shop", { issuer, register });
  const bank = await openSite("bank", { issuer, register });
  print(`issuer ${issuer} · shop ${shop.origin} · bank ${bank.origin}`);

  const ofShop = await step("signed in at the shop", async () => {
    await person.signIn(shop.origin);
    return tokenAt(shop);
  });
  const ofBank = await step("signed in at the bank without a question", async () => {
    await person.open(bank.origin);
    return tokenAt(bank);
  });
  const refusals = await step("logged out at the shop, and refused at both", async () => {
    const refused = [refusalOf(ofShop, shop), refusalOf(ofBank, bank)];
    await person.logOut();
    return Promise.all(refused);
  });
  for (const [at, name] of ["shop", "bank"].entries()) {
    const duration = (refusals[at] ?? 0) - shop.clickedAt;
    print(`${inMs(duration)}  from the click, as it arrived at the shop, until the verifier of the ${name} refused`);
  }

  // Else the browser finds no site to come back to.
  while (!shop.isLeft) await sleep(1);
  for (const site of [shop, bank]) site.close();
  await server.stop();
}

/** The token of the person, as soon as they are signed in. */
async function tokenAt(site: Site): Promise<string> {
  for (;;) {
    const token = site.token();
    if (token !== undefined) return token;
    await sleep(1);
  }
}

/** When the verifier of a site first refused a token. */
async function refusalOf(token: string, { verifier }: Site): Promise<number> {
  for (;;) {
    const refusal = await verifier.verify(token).then(
      () => undefined,
      ({ reason }) => reason,
    );
    if (refusal === "token_revoked") return performance.now();
    await sleep(1);
  }
}
