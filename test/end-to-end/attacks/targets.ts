import { exportJWK, generateKeyPair } from "jose";
import type { Logger } from "pino";
import { createTokenServer } from "../../../src/http/server.ts";
import type { KeyPairAlgorithm } from "../../../src/keys/public-jwk.ts";
import type { TokenServiceOptions } from "../../../src/service/options.ts";
import type { TokenService } from "../../../src/service/service.ts";
import type { Algorithm } from "../../../src/token/signature.ts";
import { createVerifier, type Verifier } from "../../../src/verifier/verifier.ts";
import { addClient } from "../../support/clients.ts";
import { type Forge, type Forges, openForges, openPairForge, SECRET } from "../../support/forge.ts";
import { ISSUER, openService } from "../../support/service.ts";

/** A running service, a verifier that follows it, and the key of the service in the hands of an attacker. */
export type Target = {
  by: Forge;
  url: string;
  service: TokenService;
  verifier: Verifier;
  /** The id of a client that authenticates by assertions, with the keys of the service. */
  assertingClient: string;
  close(): Promise<void>;
};

export type Targets = { forges: Forges; byAlg: ReadonlyMap<Algorithm, Target>; close(): Promise<void> };

/** One service for each algorithm behind the real server, with stopped clocks. */
export async function openTargets(logger: Logger): Promise<Targets> {
  const targets: Target[] = [];

  async function open<By extends Forge>(options: TokenServiceOptions, keyOf: (opened: Opened) => Promise<By>) {
    const opened = await openService(options);
    const { service, clock } = opened;
    const { origin: url, ...server } = await createTokenServer(service, { port: 0, logger });
    const by = await keyOf(opened);
    const verifier = createVerifier({ issuer: ISSUER, audience: ISSUER, url, clock: () => clock.now });
    await verifier.ready;
    const close = async () => {
      verifier.close();
      await server.close();
      await opened[Symbol.asyncDispose]();
    };
    const assertingClient = await addAssertingClient(service);
    targets.push({ by, url, service, verifier, assertingClient, close });
    return by;
  }

  const openPair = (alg: KeyPairAlgorithm) =>
    open({ alg }, async ({ store }) => openPairForge(alg, (await store.listKeys())[0]));
  const forges = await openForges(openPair);
  await open({ secret: SECRET }, async () => forges.hs256);
  return {
    forges,
    byAlg: new Map(targets.map((target) => [target.by.alg, target])),
    close: async () => void (await Promise.all(targets.map(({ close }) => close()))),
  };
}

async function addAssertingClient(service: TokenService): Promise<string> {
  const { keys } = service.jwks();
  const jwks = { keys: keys.length > 0 ? [...keys] : [await exportJWK((await generateKeyPair("ES256")).publicKey)] };
  return (await addClient(service, { authMethod: "private_key_jwt", permissions: ["issue"], jwks })).clientId;
}

type Opened = Awaited<ReturnType<typeof openService>>;
