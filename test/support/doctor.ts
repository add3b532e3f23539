import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import pino from "pino";
import { type ExamineOptions, examine } from "../../src/cli/doctor/examine.ts";
import type { Check } from "../../src/cli/doctor/finding.ts";
import { createTokenServer } from "../../src/index.ts";
import type { TokenServiceOptions } from "../../src/service/options.ts";
import { createTokenService } from "../../src/service/service.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { freePort } from "./process.ts";
import { makeData, temporaryFolder } from "./service.ts";

export const engines = ">=20.19";
export const SECRET = "a-secret-of-at-least-32-characters";

export type Environment = Record<string, string>;

/** Examines an environment, and gives the finding of one check. */
export async function findingOf(check: Check, environment: Environment, options: Partial<ExamineOptions> = {}) {
  const findings = await examine({ environment, engines, ...options });
  return findings.find((finding) => finding.check === check);
}

/** A server on data of its own, and the environment that describes both. */
export async function startService(options: TokenServiceOptions = {}, trustProxy: string[] = []) {
  const folder = temporaryFolder();
  const data = join(folder.path, "data");
  const service = await createTokenService({ ...options, store: await openSqliteStore(data) });
  const logger = pino({ level: "silent" });
  const server = await createTokenServer(service, { port: 0, logger, trustProxy });
  const environment: Environment = { MINTMARK_DATA: data, PORT: new URL(server.origin).port };
  return {
    service,
    environment,
    url: server.origin,
    async [Symbol.asyncDispose]() {
      await server.close();
      folder[Symbol.dispose]();
    },
  };
}

/** Data without a server, on a port at which nothing listens. */
export async function withData(options: TokenServiceOptions = {}) {
  const folder = temporaryFolder();
  const data = join(folder.path, "data");
  await makeData(data, options);
  const environment: Environment = { MINTMARK_DATA: data, PORT: await freePort() };
  return { data, environment, [Symbol.dispose]: folder[Symbol.dispose] };
}

/** Another program that answers by HTTP. */
export async function startOther(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port: String(port),
    url: `http://127.0.0.1:${port}`,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
