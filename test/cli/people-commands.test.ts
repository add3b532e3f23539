import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTokenService } from "../../src/service/service.ts";
import { openSqliteStore } from "../../src/store/open.ts";
import { mintmark } from "../support/command.ts";
import { addWebClient, authorizationRequest, codeFor, openBrowser } from "../support/people.ts";
import { temporaryFolder } from "../support/service.ts";

const folder = temporaryFolder();
const environment = { MINTMARK_DATA: join(folder.path, "data") };
let clientId = "";

/** Two sessions of one person, who has agreed. */
beforeAll(async () => {
  const service = await createTokenService({ store: await openSqliteStore(environment.MINTMARK_DATA) });
  clientId = (await addWebClient(service)).clientId;
  const request = authorizationRequest(clientId, { scope: "openid orders:read" });
  for (const browser of [openBrowser(service), openBrowser(service)]) await codeFor(browser, request);
  await service.close();
});
afterAll(() => folder[Symbol.dispose]());

async function json(words: string[]) {
  const { status, stdout, stderr } = await mintmark([...words, "--json"], { environment });
  expect({ words, status, stderr }).toEqual({ words, status: 0, stderr: "" });
  return JSON.parse(stdout);
}

describe("mintmark sessions", () => {
  it("lists the sessions of a person, and ends one", async () => {
    const { stdout } = await mintmark(["sessions", "list", "--subject", "ada", "--limit", "1"], { environment });
    expect(stdout).toMatch(
      /^SID +SIGNED IN +SINCE +EXPIRES\n[\w-]{22}( +\d{4}-\d\d-\d\dT\S+Z){3}\nmore: --before \S+\n$/,
    );
    const { sessions } = await json(["sessions", "list", "--subject", "ada"]);
    expect(sessions).toHaveLength(2);
    const [{ sid }, other] = sessions;
    expect(await mintmark(["sessions", "revoke", sid], { environment })).toEqual({
      status: 0,
      stdout: `ended ${sid}, and revoked all tokens that came by it\n`,
      stderr: "",
    });
    expect(await json(["sessions", "list", "--subject", "ada"])).toEqual({ sessions: [other] });
    expect(await json(["sessions", "list", "--subject", "bob"])).toEqual({ sessions: [] });
  });

  it("says that there is no such session", async () => {
    expect(await mintmark(["sessions", "revoke", "none"], { environment })).toEqual({
      status: 1,
      stdout: "",
      stderr: "mintmark: there is no session none: tokens that a lost session of this sid covered are revoked\n",
    });
  });
});

describe("mintmark consents", () => {
  it("lists what a person agreed to, and ends it", async () => {
    const { stdout } = await mintmark(["consents", "list", "--subject", "ada"], { environment });
    expect(stdout).toMatch(/^CLIENT +NAME +HOST +RESOURCE +SCOPES +AGREED\n/);
    expect(stdout).toMatch(/\n\S{36} +shop +shop\.example +http:\S+ +openid orders:read +\S+Z\n$/);
    const revoke = ["consents", "revoke", "--subject", "ada", "--client", clientId];
    expect(await mintmark(revoke, { environment })).toEqual({
      status: 0,
      stdout: `ended what ${clientId} can do for ada: 1 consents, 0 grants\n`,
      stderr: "",
    });
    expect(await json(["consents", "list", "--subject", "ada"])).toEqual([]);
    expect(await json(revoke)).toEqual({ consents: 0, grants: 0 });
  });
});
