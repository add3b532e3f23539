import { isIP } from "node:net";
import { keyOfSecret } from "../../keys/secret-key.ts";
import type { Config } from "../../program/config.ts";
import { PROBE_BYTES } from "../../service/operations/readiness.ts";
import { fullPath } from "../../store/sqlite/data-directory.ts";
import type { Seconds } from "../../time.ts";
import { baseOf } from "../../token/http-url.ts";
import { sentenceOf } from "../run.ts";
import { settingRows } from "../setting-rows.ts";
import { assessClock, assessDatabase, assessFolder } from "./assess-data.ts";
import { assessKeys, type KeysEvidence, keyringOf } from "./assess-keys.ts";
import { assessIssuer, assessServer } from "./assess-server.ts";
import { assessAccess, assessAdmin, assessProxy, assessSettings } from "./assess-setup.ts";
import { assessSignIn } from "./assess-sign-in.ts";
import type { Examination } from "./examination.ts";
import { type Finding, ok, warning } from "./finding.ts";
import { get } from "./get.ts";
import type { Data } from "./read-data.ts";
import { accessibleTo, FILES } from "./read-folder.ts";

/** Starts the checks of a configuration. None of them rejects. */
export function startChecks(examination: Examination): Promise<Finding>[] {
  const { config, environment, found, issuerOf, run, withData } = examination;
  return [
    withData("settings", ({ position: { settings: stored } }) =>
      assessSettings(settingRows({ config, stored, environment })),
    ),
    ...(config.databaseUrl === undefined ? [run("folder", () => checkFolder(examination))] : []),
    run("database", () => checkDatabase(examination)),
    withData("keys", (data) => assessKeys(keysIn(data, examination))),
    run("clock", () => checkClock(examination)),
    run("server", () => checkServer(examination)),
    withData("issuer", (data) => checkIssuer(data, examination)),
    run("proxy", () => checkProxy(examination)),
    run("access", async () => assessAccess(config, issuerOf(await found))),
    withData("admin", async ({ store }) => assessAdmin(config, (await store.findClient("admin")) !== undefined)),
    ...providerIn(config).map(({ issuer }) => run("sign-in", () => checkSignIn(issuer, examination))),
  ];
}

async function checkFolder({ config, opened, accessibleBefore: before }: Examination): Promise<Finding> {
  const store = await opened.catch(() => null);
  const folder = fullPath(config.data);
  if (store === undefined) return ok("folder", `${folder} has no data yet`);
  return assessFolder({ folder, before, after: accessibleTo("world", config.data, FILES) });
}

async function checkDatabase({ opened, data, place, notices }: Examination): Promise<Finding> {
  const store = await opened;
  if (store === undefined)
    return ok("database", `There is no data in ${place} yet: the first start of a server creates it`);
  await data;
  const startedAt = performance.now();
  await store.position();
  const ms = performance.now() - startedAt;
  const fault = await store.checkWritable(PROBE_BYTES).then(
    () => undefined,
    (error: unknown) => sentenceOf(error) ?? "The database cannot be written",
  );
  return assessDatabase({ place, ms, fault, notices });
}

function keysIn({ loaded, faults, position: { settings } }: Data, { config, now }: Examination): KeysEvidence {
  const { secret, rotation } = config;
  const secretKid = secret === undefined ? undefined : keyOfSecret(secret).kid;
  return { loaded, faults, settings, secretKid, rotation, now: Math.floor(now() / 1000) };
}

async function checkClock({ found, server }: Examination): Promise<Finding> {
  const [data, reply] = await Promise.all([found, server]);
  const date = reply?.answer.fault === undefined ? reply?.answer.date : undefined;
  const ahead = data && Math.round(data.readAt / 1000) - data.position.time;
  const isShared = data?.store.system === "postgresql";
  return assessClock({
    aheadOfPostgres: isShared ? ahead : undefined,
    aheadOfServer: reply && date !== undefined ? Math.round((reply.at - date) / 1000) : undefined,
    aheadOfLatestChange: isShared ? undefined : ahead,
  });
}

async function checkServer({ data, server }: Examination): Promise<Finding> {
  const [reply, isExpected] = await Promise.all([
    server,
    data.then(
      (data) => data !== undefined,
      () => true,
    ),
  ]);
  if (reply === undefined) return warning("server", "Not checked, since PORT is 0", "name the running server by --url");
  return assessServer(reply.url, reply.answer, isExpected || reply.isNamed);
}

async function checkIssuer(data: Data, examination: Examination): Promise<Finding> {
  const issuer = data.position.settings.issuer ?? examination.issuerOf(data);
  const keys = keysIn(data, examination);
  const keyring = keys.secretKid === undefined ? keyringOf(keys) : undefined;
  const answer = await get(issuer, "/.well-known/jwks.json", examination.answerMs);
  const kids = keyring?.jwks.keys.map(({ kid }) => kid) ?? [];
  return assessIssuer({ issuer, answer, kids, signing: keyring?.signing?.kid });
}

async function checkProxy({ config, found, issuerOf, now }: Examination): Promise<Finding> {
  const data = await found;
  const query = {
    action: "authenticate",
    outcome: "refused",
    from: Math.floor(now() / 1000) - DAY,
    limit: 100,
  } as const;
  const records = await data?.store.listAudit(query);
  const refused = records?.flatMap(({ address }) => (address === undefined || isIP(address) === 0 ? [] : [address]));
  return assessProxy({ issuer: issuerOf(data), config, refused });
}

/** The provider at which people sign in, if there is one. */
function providerIn({ signIn }: Config) {
  return signIn !== undefined && "provider" in signIn ? [signIn.provider] : [];
}

async function checkSignIn(issuer: string, { found, issuerOf, answerMs }: Examination): Promise<Finding> {
  const answer = await get(issuer, "/.well-known/openid-configuration", answerMs);
  const redirectUri = `${baseOf(issuerOf(await found))}/oauth/callback`;
  return assessSignIn({ issuer, answer, redirectUri });
}

const DAY: Seconds = 86400;
