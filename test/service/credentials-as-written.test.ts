import { describe, expect, it } from "vitest";
import type { Store } from "../../src/store/store.ts";
import type { PresentedCredentials as Credentials } from "../../src/token/decode-basic.ts";
import { addChosenClient } from "../support/clients.ts";
import { openSharedService } from "../support/shared-service.ts";

const ADDRESS = "192.0.2.1";

/** A service with the clients `a b` (secret `s t`) and `a+b` (secret `s+t`), and its reads of clients. */
async function open() {
  const lookUps: string[] = [];
  const stores: Store[] = [];
  const wrap = (store: Store): Store => {
    stores.push(store);
    return {
      ...store,
      findClient(clientId) {
        lookUps.push(clientId);
        return store.findClient(clientId);
      },
    };
  };
  const opened = await openSharedService({ wrap });
  for (const store of stores) {
    await addChosenClient(store, { clientId: "a b", clientSecret: "s t" });
    await addChosenClient(store, { clientId: "a+b", clientSecret: "s+t" });
  }
  const call = (credentials: Credentials): Promise<string> =>
    opened.service.authenticate(credentials, ADDRESS).then(
      ({ clientId }) => clientId,
      ({ reason }) => reason,
    );
  return { ...opened, lookUps, call };
}

describe("credentials that can be read in two ways", () => {
  it.each<[string, Credentials, string]>([
    ["both", { clientId: "a b", clientSecret: "s t", asWritten: { clientId: "a+b", clientSecret: "s+t" } }, "a b"],
    [
      "the decoded one",
      { clientId: "a b", clientSecret: "s t", asWritten: { clientId: "a+b", clientSecret: "x" } },
      "a b",
    ],
    [
      "the one as written",
      { clientId: "a b", clientSecret: "x", asWritten: { clientId: "a+b", clientSecret: "s+t" } },
      "a+b",
    ],
    [
      "none",
      { clientId: "a b", clientSecret: "x", asWritten: { clientId: "a+b", clientSecret: "x" } },
      "invalid_client",
    ],
  ])("of which %s is right cost the same reads", async (_name, credentials, outcome) => {
    await using opened = await open();
    expect(await opened.call(credentials)).toBe(outcome);
    expect(opened.lookUps).toEqual(["a b", "a+b"]);
  });

  it("are counted as one failure each, and as none where one is right", async () => {
    await using opened = await open();
    const guess = (at: number, asWritten = { clientId: "a b", clientSecret: `guess+${at}` }) =>
      opened.call({ clientId: "a b", clientSecret: `guess ${at}`, asWritten });
    for (let at = 0; at < 9; at += 1) expect(await guess(at)).toBe("invalid_client");
    for (let at = 0; at < 9; at += 1) expect(await guess(at, { clientId: "a+b", clientSecret: "s+t" })).toBe("a+b");
    expect([await guess(9), await guess(10)]).toEqual(["invalid_client", "too_many_attempts"]);
  });
});
