import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { install, peers } from "./consumers.ts";

const TEST = `
const { createTokenServer, createTokenService, openSqliteStore } = require("mintmark");
const { createTokenClient } = require("mintmark/client");
const { createVerifier } = require("mintmark/verifier");
const { bearerAuth } = require("mintmark/verifier/node");
test("issues and verifies", async () => {
  const store = await openSqliteStore(process.env.DATA);
  const server = await createTokenServer(await createTokenService({ store }), { port: 0 });
  const { token } = await createTokenClient({ url: server.origin }).getToken.query({ subject: "ada" });
  const verifier = createVerifier({ issuer: server.origin, audience: server.origin });
  await verifier.ready;
  expect((await verifier.verify(token)).sub).toBe("ada");
  bearerAuth(verifier);
  verifier.close();
  await server.close();
});
`;

/** As in docs/deployment.md: Jest compiles a package to CommonJS only where the configuration lists it. */
const CONFIG = {
  transformIgnorePatterns: ["/node_modules/(?!(mintmark|jose|eventsource|eventsource-parser)/)"],
  transform: {
    "\\.[cm]?[jt]sx?$": ["babel-jest", { presets: [["@babel/preset-env", { targets: { node: "current" } }]] }],
  },
};

/** Runs a test of the package with Jest, in CommonJS. */
export function testByJest(folder: string, tarball: string): string {
  const project = join(folder, "jest");
  install(project, [tarball, ...peers(), "jest", "babel-jest", "@babel/core", "@babel/preset-env"]);
  mkdirSync(join(project, "test"));
  writeFileSync(join(project, "test/tokens.test.js"), TEST);
  writeFileSync(join(project, "jest.config.json"), JSON.stringify(CONFIG));
  const env = { ...process.env, DATA: join(project, "data") };
  execFileSync("npx", ["--no-install", "jest"], { cwd: project, stdio: "pipe", encoding: "utf8", env });
  return "passes";
}
