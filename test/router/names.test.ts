import { describe, expect, it } from "vitest";
import { createTokenRouter } from "../../src/router/router.ts";
import { localCaller } from "../../src/service/access/caller.ts";
import { newClient } from "../support/clients.ts";
import { openService } from "../support/service.ts";

const codePoints = (from: number, to = from) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

/** Characters that show nothing, or change how others are shown. */
const INVISIBLE = [
  ...codePoints(0x00, 0x1f),
  ...codePoints(0x7f, 0x9f),
  ...[0xad, 0x34f, 0x61c, 0x115f, 0x180e, 0x3164, 0xfeff, 0xffa0],
  ...codePoints(0x200b, 0x200f),
  ...codePoints(0x2028, 0x202e),
  ...codePoints(0x2060, 0x206f),
  ...codePoints(0xfe00, 0xfe0f),
  ...codePoints(0xfff9, 0xfffb),
  ...[0xe0001, 0xe0020, 0xe0041, 0xe007f, 0xe0100],
];

const named = (name: string) => ({ permissions: [], name });

async function openProcedures() {
  const opened = await openService();
  const procedures = createTokenRouter(opened.service).createCaller({ authenticate: async () => localCaller });
  return { ...opened, procedures };
}

describe("the name of a new client", () => {
  it("has no invisible or direction-changing character", async () => {
    await using opened = await openProcedures();
    for (const name of INVISIBLE.flatMap((point) => {
      const character = String.fromCodePoint(point);
      return [`bil${character}ling`, `${character}billing`, `billing${character}`, character];
    })) {
      const refused = opened.procedures.clients.create(named(name));
      await expect(refused, JSON.stringify(name)).rejects.toMatchObject({ code: "BAD_REQUEST" });
    }
    expect(await opened.procedures.clients.list()).toEqual([]);
  });

  it.each(["", " ", "\u00A0", "\u3000 ", "\uD800"])("is not %j", async (name) => {
    await using opened = await openProcedures();
    const refused = opened.procedures.clients.create(named(name));
    await expect(refused).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });

  it.each([
    "billing",
    "Rechnungen für Köln",
    "請求書",
    "فواتير",
    "חשבונות",
    "बिलिंग",
    "🏭 plant 2",
    "a.b/c:d@e",
    "O'Neil & Söhne",
  ])("may be %s", async (name) => {
    await using opened = await openProcedures();
    await expect(opened.procedures.clients.create(named(name))).resolves.toMatchObject({ name });
  });
});

describe("a stored client with such a name", () => {
  it("can be listed, given another secret and removed", async () => {
    await using opened = await openProcedures();
    const { clientId } = await opened.service.clients.create(localCaller, newClient({ name: "bil\u202Eling" }));
    expect(await opened.procedures.clients.list()).toMatchObject([{ name: "bil\u202Eling" }]);
    await expect(opened.procedures.clients.rotateSecret({ clientId })).resolves.toMatchObject({ clientId });
    await expect(opened.procedures.clients.remove({ clientId })).resolves.toEqual({ clientId });
  });
});
