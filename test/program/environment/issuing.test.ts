import { join } from "node:path";
import { expect, it } from "vitest";
import { openService } from "../../../src/program/compose.ts";
import { readConfig } from "../../../src/program/config.ts";
import { localCaller } from "../../../src/service/access/caller.ts";
import { temporaryFolder } from "../../support/service.ts";

/** The extreme valid values of each variable. Other tests have the invalid ones. */
const OUTERMOST: Record<string, string>[] = [
  { MINTMARK_ISSUER: `https://tokens.example/${"a".repeat(232)}` },
  { MINTMARK_ISSUER: `HTTPS://bücher.example:8443/${"ü".repeat(200)}` },
  { MINTMARK_ISSUER: "http://[::1]:3000/" },
  { MINTMARK_AUDIENCE: "x" },
  { MINTMARK_AUDIENCE: `${"\u{1F511}".repeat(127)}x` },
  { MINTMARK_AUDIENCE: "an audience, with \"quotes\" and 'spaces' within" },
  { MINTMARK_SECRET: "ä".repeat(16) },
  { MINTMARK_SECRET: "\u{1F511}".repeat(1000) },
  { MINTMARK_TTL: "1", MINTMARK_MAX_TTL: "1" },
  { MINTMARK_TTL: "31622400", MINTMARK_MAX_TTL: "31622400" },
  { MINTMARK_ROTATION: "1320" },
  { MINTMARK_REFRESH_IDLE: "2", MINTMARK_REPLAY_WINDOW: "1", MINTMARK_REFRESH_TTL: "1" },
  { MINTMARK_KEK: Buffer.alloc(32).toString("hex") },
  { HOST: "0.0.0.0", MINTMARK_ISSUER: "https://tokens.example", MINTMARK_ADMIN_SECRET: "\u{1F511}".repeat(127) },
];

it.each(OUTERMOST)("a service that starts with %j issues tokens that it verifies", async (environment) => {
  using folder = temporaryFolder();
  const config = readConfig({ MINTMARK_DATA: join(folder.path, "data"), ...environment });
  const service = await openService(config, { origin: "http://127.0.0.1:3000" });
  try {
    const { token } = await service.getToken(localCaller, { subject: "ada", claims: {} });
    expect(await service.verifyToken({ token })).toMatchObject({ iss: config.issuer ?? "http://127.0.0.1:3000" });
  } finally {
    await service.close();
  }
});
