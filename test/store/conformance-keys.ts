import { describe, expect, it } from "vitest";
import { NOW } from "../support/service.ts";
import type { Open } from "./conformance.ts";
import { aKey, aRecord } from "./samples.ts";

const everything = { limit: 1000 };

export function describeKeys(open: Open): void {
  describeAdding(open);
  describeKilling(open);
  describeResealing(open);
}

function describeAdding(open: Open): void {
  describe("addKey", () => {
    it("adds the first key and its successor; listKeys returns them unchanged", async () => {
      await using opened = await open();
      const first = await aKey();
      const second = await aKey({ alg: "EdDSA", follows: first.kid, activatesAt: NOW + 660 });
      expect(await opened.here.addKey(first, aRecord())).toBe("added");
      expect(await opened.there.addKey(second, aRecord())).toBe("added");
      expect(await opened.here.listKeys()).toHaveLength(2);
      expect(await opened.here.listKeys()).toEqual(expect.arrayContaining([first, second]));
    });

    it("adds one first key and one successor, however many two processes offer concurrently", async () => {
      await using opened = await open();
      let follows = "";
      for (const round of [1, 2]) {
        const offered = await Promise.all(Array.from({ length: 12 }, () => aKey({ follows })));
        const outcomes = await Promise.all(
          offered.map((key, at) => (at % 2 ? opened.here : opened.there).addKey(key, aRecord({ kid: key.kid }))),
        );
        expect(outcomes.toSorted()).toEqual(["added", ...Array(11).fill("present")]);
        const keys = await opened.here.listKeys();
        expect(keys).toHaveLength(round);
        follows = offered[outcomes.indexOf("added")]?.kid ?? "";
        expect(keys.map(({ kid }) => kid)).toContain(follows);
      }
      expect(await opened.here.listAudit(everything)).toHaveLength(2);
    });

    it("activates a successor that was to sign later, and audits that one", async () => {
      await using opened = await open();
      const { first, pending } = await addTwo(opened);
      const immediate = await aKey({ follows: first.kid, activatesAt: NOW + 5 });
      expect(await opened.here.addKey(immediate, aRecord({ kid: immediate.kid }))).toBe("activated");
      expect(await opened.here.listKeys()).toHaveLength(2);
      expect(await opened.here.listKeys()).toContainEqual({ ...pending, activatesAt: NOW + 5 });
      expect((await opened.here.listAudit({ limit: 1 }))[0]?.kid).toBe(pending.kid);
    });

    it("activates a successor earlier also where a clock that was ahead has revoked keys before it", async () => {
      await using opened = await open();
      const { first, pending } = await addTwo(opened);
      const ahead = pending.activatesAt + 9;
      const replacement = await aKey({ follows: pending.kid, activatesAt: ahead });
      await opened.here.revokeKey(pending.kid, { now: ahead, replacement }, aRecord());
      const immediate = await aKey({ follows: first.kid, activatesAt: NOW + 5 });
      expect(await opened.there.addKey(immediate, aRecord())).toBe("activated");
      const moments = new Map((await opened.here.listKeys()).map(({ kid, activatesAt }) => [kid, activatesAt]));
      expect(Object.fromEntries(moments)).toEqual({
        [first.kid]: first.activatesAt,
        [pending.kid]: NOW + 5,
        [replacement.kid]: NOW + 5,
      });
      expect((await opened.here.listAudit({ limit: 1 }))[0]?.kid).toBe(replacement.kid);
    });

    it("leaves a successor that signs as early, and audits nothing", async () => {
      await using opened = await open();
      const { first, pending } = await addTwo(opened);
      const later = await aKey({ follows: first.kid, activatesAt: pending.activatesAt + 1 });
      expect(await opened.here.addKey(later, aRecord())).toBe("present");
      expect(await opened.here.listKeys()).toEqual(expect.arrayContaining([first, pending]));
      expect(await opened.here.listAudit(everything)).toHaveLength(2);
    });
  });
}

function describeKilling(open: Open): void {
  describe("revokeKey", () => {
    it("deletes the private half and keeps the rest", async () => {
      await using opened = await open();
      const { first, pending } = await addTwo(opened);
      expect(await opened.here.revokeKey(first.kid, { now: NOW + 9, replacement: await aKey() }, aRecord())).toBe(
        "revoked",
      );
      expect(await opened.there.listKeys()).toEqual(
        expect.arrayContaining([
          { ...first, privateJwk: "", killedAt: NOW + 9 },
          { ...pending, activatesAt: NOW + 9 },
        ]),
      );
    });

    it("changes and audits nothing for a revoked or unknown key", async () => {
      await using opened = await open();
      const { first } = await addTwo(opened);
      await opened.here.revokeKey(first.kid, { now: NOW + 9, replacement: await aKey() }, aRecord());
      const keys = await opened.here.listKeys();
      const replacement = await aKey({ follows: first.kid });
      for (const kid of [first.kid, "unknown"]) {
        expect(await opened.here.revokeKey(kid, { now: NOW + 20, replacement }, aRecord())).toBe("unchanged");
      }
      expect(await opened.here.listKeys()).toEqual(keys);
      expect(await opened.here.listAudit(everything)).toHaveLength(3);
    });

    it("frees the place of a revoked pending key", async () => {
      await using opened = await open();
      const { first, pending } = await addTwo(opened);
      await opened.here.revokeKey(pending.kid, { now: NOW + 9, replacement: await aKey() }, aRecord());
      const next = await aKey({ follows: first.kid, activatesAt: NOW + 700 });
      expect(await opened.here.addKey(next, aRecord())).toBe("added");
      expect(await opened.here.listKeys()).toContainEqual(next);
    });

    it.each([0, 1])("keeps the place of a key that was revoked %i s after it began to sign", async (age) => {
      await using opened = await open();
      const { first, pending } = await addTwo(opened);
      const now = pending.activatesAt + age;
      const replacement = await aKey({ activatesAt: now });
      await opened.here.revokeKey(pending.kid, { now, replacement }, aRecord());
      expect(await opened.here.listKeys()).toContainEqual({ ...replacement, follows: pending.kid });
      const next = await aKey({ follows: first.kid, activatesAt: now + 1 });
      expect(await opened.here.addKey(next, aRecord())).toBe("present");
    });

    it("adds the replacement", async () => {
      await using opened = await open();
      const first = await aKey();
      await opened.here.addKey(first, aRecord());
      const replacement = await aKey({ follows: first.kid, activatesAt: NOW + 9 });
      expect(await opened.here.revokeKey(first.kid, { now: NOW + 9, replacement }, aRecord())).toBe("revoked");
      expect(await opened.here.listKeys()).toContainEqual(replacement);
    });

    it("adds the replacement of a key that is still pending by this clock", async () => {
      await using opened = await open();
      const first = await aKey();
      await opened.here.addKey(first, aRecord());
      const replacement = await aKey({ follows: first.kid, activatesAt: NOW - 9 });
      expect(await opened.here.revokeKey(first.kid, { now: NOW - 9, replacement }, aRecord())).toBe("revoked");
      expect(await opened.here.listKeys()).toContainEqual({ ...replacement, follows: "" });
    });

    it("activates an existing successor instead of adding the replacement", async () => {
      await using opened = await open();
      const { first, pending } = await addTwo(opened);
      const replacement = await aKey({ follows: first.kid, activatesAt: NOW + 9 });
      expect(await opened.here.revokeKey(first.kid, { now: NOW + 9, replacement }, aRecord())).toBe("revoked");
      expect(await opened.here.listKeys()).toHaveLength(2);
      expect(await opened.here.listKeys()).toContainEqual({ ...pending, activatesAt: NOW + 9 });
    });

    it("revokes once, with one replacement, however many requests run concurrently in two processes", async () => {
      await using opened = await open();
      const first = await aKey();
      await opened.here.addKey(first, aRecord());
      const offered = await Promise.all(Array.from({ length: 8 }, () => aKey({ follows: first.kid })));
      const outcomes = await Promise.all(
        offered.map((replacement, at) =>
          (at % 2 ? opened.here : opened.there).revokeKey(first.kid, { now: NOW, replacement }, aRecord()),
        ),
      );
      expect(outcomes.toSorted()).toEqual(["revoked", ...Array(7).fill("unchanged")]);
      const replacement = offered[outcomes.indexOf("revoked")];
      expect((await opened.here.listKeys()).filter(({ killedAt }) => killedAt === undefined)).toEqual([replacement]);
    });
  });
}

function describeResealing(open: Open): void {
  describe("rewrapKeys", () => {
    it("replaces the private halves and nothing else", async () => {
      await using opened = await open();
      const { first, pending } = await addTwo(opened);
      const wrapped = [first, pending].map((key) => ({ ...key, privateJwk: `sealed.${key.kid}` }));
      expect(await opened.here.rewrapKeys(wrapped, aRecord())).toBe("rewrapped");
      expect(await opened.there.listKeys()).toEqual(expect.arrayContaining(wrapped));
      expect(await opened.here.listAudit(everything)).toHaveLength(3);
    });

    it("replaces none where a key was added meanwhile", async () => {
      await using opened = await open();
      const { first, pending } = await addTwo(opened);
      const next = await aKey({ follows: pending.kid, activatesAt: NOW + 1320 });
      await opened.there.addKey(next, aRecord());
      const wrapped = [first, pending].map((key) => ({ ...key, privateJwk: `sealed.${key.kid}` }));
      expect(await opened.here.rewrapKeys(wrapped, aRecord())).toBe("changed");
      expect(await opened.here.listKeys()).toEqual(expect.arrayContaining([first, pending, next]));
    });

    it("rejects a new key that is encrypted with another key-encryption key", async () => {
      await using opened = await open();
      const { first, pending } = await addTwo(opened);
      const wrapped = [first, pending].map((key) => ({ ...key, privateJwk: `sealed.new.${key.kid}` }));
      await opened.there.rewrapKeys(wrapped, aRecord());
      const next = await aKey({ follows: pending.kid, activatesAt: NOW + 1320 });
      for (const privateJwk of [next.privateJwk, "sealed.old.x"])
        await expect(opened.here.addKey({ ...next, privateJwk }, aRecord())).rejects.toMatchObject({
          reason: "kek_changed",
        });
      expect(await opened.here.addKey({ ...next, privateJwk: "sealed.new.x" }, aRecord())).toBe("added");
    });

    it("stores no private half for a key that was revoked meanwhile", async () => {
      await using opened = await open();
      const { first, pending } = await addTwo(opened);
      await opened.there.revokeKey(first.kid, { now: NOW, replacement: await aKey() }, aRecord());
      expect(await opened.here.rewrapKeys([first, pending], aRecord())).toBe("rewrapped");
      expect((await opened.here.listKeys()).find(({ kid }) => kid === first.kid)?.privateJwk).toBe("");
    });
  });
}

/** Adds a key that signs, and a pending one behind it. */
async function addTwo({ here }: Awaited<ReturnType<Open>>) {
  const first = await aKey();
  const pending = await aKey({ follows: first.kid, activatesAt: NOW + 660 });
  for (const key of [first, pending]) await here.addKey(key, aRecord({ kid: key.kid }));
  return { first, pending };
}
