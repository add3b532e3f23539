import { afterEach, describe, expect, it, vi } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import type { TokenServiceOptions } from "../../src/service/options.ts";
import { createTokenService, type TokenService } from "../../src/service/service.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { ISSUER, temporaryFolder } from "../support/service.ts";

const SECRET = "a shared secret of more than 32 bytes";

/** Services on one store, each with its logged sentences. */
async function openBeside() {
  const folder = temporaryFolder();
  const opened: TokenService[] = [];
  return {
    async open(options: TokenServiceOptions = {}) {
      const store = await openSqliteStore(folder.path, { shared: true });
      const notices: string[] = [];
      const onNotice = (sentence: string) => notices.push(sentence);
      const service = await createTokenService({ issuer: ISSUER, store, onNotice, ...options });
      opened.push(service);
      return { service, notices };
    },
    async close() {
      for (const service of opened) await service.close();
      folder[Symbol.dispose]();
    },
  };
}

/** The options of another server, and the sentence that every server then logs. */
const CHANGES: [what: string, options: TokenServiceOptions, sentence: RegExp][] = [
  ["issuer", { issuer: "https://other.example", audience: ISSUER }, /^The issuer changes from \S+ to https:\/\/other/],
  ["audience", { audience: "orders" }, /^The default audience changes from \S+ to orders$/],
  ["algorithm", { alg: "EdDSA" }, /^The algorithm of the next key changes from ES256 to EdDSA$/],
  ["limit of lifetimes", { maxTtl: 3600 }, /^The longest lifetime of a token changes from 86400 s to 3600 s/],
  ["secret", { secret: SECRET }, /^Tokens are signed with a shared secret from now on/],
];

describe("a changed setting is logged once by every running server", () => {
  let beside: Awaited<ReturnType<typeof openBeside>>;
  afterEach(() => beside.close());

  it.each(CHANGES)("when another server starts with another %s", async (_, options, sentence) => {
    beside = await openBeside();
    const running = await beside.open();
    const started = await beside.open(options);
    await vi.waitFor(() => expect(running.notices).toEqual([expect.stringMatching(sentence)]), 5000);
    await running.service.maintenance();
    for (const { notices } of [running, started]) expect(notices).toEqual([expect.stringMatching(sentence)]);
  });

  it("when keys are rotated to another algorithm, by a client or by a command", async () => {
    beside = await openBeside();
    const [running, other] = [await beside.open(), await beside.open()];
    const command = await beside.open({ guest: true });
    const sentences = [CHANGES[2], CHANGES[2]].map((_, at) =>
      expect.stringMatching(at === 0 ? /from ES256 to EdDSA$/ : /from EdDSA to ES384$/),
    );
    await running.service.keys.rotate(localCaller, { immediate: true, alg: "EdDSA" });
    await vi.waitFor(() => expect(other.notices).toHaveLength(1), 5000);
    await command.service.keys.rotate(localCaller, { immediate: true, alg: "ES384" });
    for (const { notices } of [running, other]) await vi.waitFor(() => expect(notices).toEqual(sentences), 5000);
    expect(command.notices).toEqual([]);
  });

  it("and audited once: also a replaced shared secret, without its kid", async () => {
    beside = await openBeside();
    await beside.open({ secret: SECRET });
    const { service, notices } = await beside.open({ secret: `${SECRET}, the next` });
    expect(notices).toEqual([expect.stringMatching(/^The shared secret changes: /)]);
    const { records } = await service.audit.list(localCaller, { action: "settings.change", limit: 10 });
    expect(records).toMatchObject([{ target: "secretKid: a shared secret was replaced by another" }]);
  });
});
