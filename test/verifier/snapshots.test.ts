import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { revoked, type Script, snapshot, trusted, update } from "../support/feed.ts";
import { forge, goodClaims, openPairForge, type PairForge } from "../support/forge.ts";
import { NOW } from "../support/service.ts";
import { follow, healthy, verdictOf } from "../support/verifier.ts";

let by: PairForge;
beforeAll(async () => {
  by = await openPairForge("ES256");
});

const revocation = (sub: string) => revoked({ kind: "subject", id: sub });
const tokenOf = (sub: string) => forge(by, { payload: goodClaims({ sub }) });

describe("a snapshot", () => {
  it("takes effect with its last piece, and replaces the state", async () => {
    const pieces: Script = async ({ send }) => {
      send(snapshot([by], { sequence: 5, more: true, revocations: [revocation("bob")] }));
      await sleep(200);
      send(update({ sequence: 5, more: true, revocations: [revocation("cy")] }));
      await sleep(200);
      send(update({ sequence: 5 }));
    };
    const known: Script = ({ send }) => send(snapshot([by], { sequence: 4, revocations: [revocation("ada")] }));
    const fromAnother: Script = ({ send }) => send(update({ epoch: "second" }));
    await using followed = await follow([known, fromAnother, pieces]);
    const { verifier, feed } = followed;
    const verdicts = () => Promise.all(["ada", "bob", "cy"].map((sub) => verdictOf(verifier.verify(tokenOf(sub)))));
    await verifier.ready;
    feed.connections[0]?.end();
    await expect.poll(() => feed.connections.length).toBe(3);
    await sleep(100);
    expect(await verdicts()).toEqual(["token_revoked", "accepted", "accepted"]);
    await expect.poll(verdicts).toEqual(["accepted", "token_revoked", "token_revoked"]);
  });

  it("is dropped if the connection breaks within it, and requested again", async () => {
    const cut: Script = ({ send, end }) => {
      send(snapshot([by], { more: true, revocations: [revocation("bob")] }));
      setTimeout(end, 100);
    };
    const whole: Script = ({ send }) => send(snapshot([by], { revocations: [revocation("cy")] }));
    await using followed = await follow([cut, whole]);
    const { verifier, feed } = followed;
    await verifier.ready;
    expect(feed.connections.map(({ after }) => after)).toEqual([undefined, undefined]);
    expect(await verdictOf(verifier.verify(tokenOf("bob")))).toBe("accepted");
    expect(await verdictOf(verifier.verify(tokenOf("cy")))).toBe("token_revoked");
  });

  it.each([
    ["of another epoch", { epoch: "second", sequence: 9 }],
    ["of a lower number", { sequence: 3 }],
  ])("is requested after an update %s, which is not applied", async (_, fields) => {
    const strange: Script = ({ send, beat }) => {
      send(snapshot([by], { sequence: 4 }));
      setTimeout(() => send(update({ ...fields, keys: [], revocations: [revocation("ada")] })), 50);
      beat(() => ({ sequence: 4 }));
    };
    const whole: Script = (connection) => {
      connection.send(snapshot([by], { epoch: "second", sequence: 1 }));
      connection.beat(() => ({ epoch: "second" }));
    };
    await using followed = await follow([strange, whole]);
    const { verifier, feed, states } = followed;
    await verifier.ready;
    await expect.poll(() => feed.connections.length).toBe(2);
    expect(feed.connections[1]?.after).toBeUndefined();
    await sleep(100);
    expect(await verdictOf(verifier.verify(tokenOf("ada")))).toBe("accepted");
    expect([feed.connections.length, states]).toEqual([2, ["live"]]);
  });

  it("of a server that lags behind is not applied while the state is fresh", async () => {
    const ahead: Script = ({ send }) => send(snapshot([by], { sequence: 5, revocations: [revocation("ada")] }));
    const behind: Script = ({ send }) => send(snapshot([by], { sequence: 4 }));
    await using followed = await follow([ahead, behind], { maxStaleness: 1.5 });
    const { verifier, feed } = followed;
    await verifier.ready;
    feed.connections[0]?.end();
    await expect.poll(() => feed.connections.length).toBeGreaterThan(2);
    expect(await verdictOf(verifier.verify(tokenOf("ada")))).toBe("token_revoked");
    await expect.poll(() => verdictOf(verifier.verify(tokenOf("ada"))), { timeout: 10_000 }).toBe("accepted");
  });

  it("is requested when the clock was set back before deleted revocations", async () => {
    await using followed = await follow([healthy(by)]);
    const { verifier, feed, clock } = followed;
    await verifier.ready;
    clock.now = NOW + 1_000_000;
    await sleep(100);
    clock.now = NOW;
    await expect.poll(() => feed.connections.length).toBe(2);
    expect(feed.connections[1]?.after).toBeUndefined();
    await expect.poll(() => verdictOf(verifier.verify(tokenOf("ada")))).toBe("accepted");
  });

  it("is followed by updates one by one, and its pieces set no cursor", async () => {
    const first: Script = async ({ send, end }) => {
      send(snapshot([by]), "whole");
      send(update({ sequence: 2, more: true, keys: trusted([]), revocations: [revocation("ada")] }), "half");
      await sleep(100);
      end();
    };
    await using followed = await follow([first, () => {}]);
    const { verifier, feed } = followed;
    await verifier.ready;
    await expect.poll(() => feed.connections[1]?.after).toBe("whole");
    expect(await verdictOf(verifier.verify(tokenOf("bob")))).toBe("invalid_token");
  });
});
