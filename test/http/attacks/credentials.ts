import { expect } from "vitest";
import { localCaller } from "../../../src/service/access/caller.ts";
import { basic, callAs } from "../../support/call-as.ts";
import { addClient } from "../../support/clients.ts";
import { openTarget } from "../../support/http-attacks.ts";
import type { Suite } from "./rows.ts";

export function credentialAttacks({ row }: Suite): void {
  row(
    "client-secret timing",
    "secrets of every length are refused alike, for clients that there are and are not",
    async () => {
      await using target = await openTarget({ open: false });
      const answers = new Set<string>();
      for (const length of [0, 1, 42, 43, 44, 255, 256, 1000]) {
        // One client each: a client that fails too often is rejected unread.
        const { clientId } = await addClient(target.service, { permissions: ["issue"] });
        for (const id of [clientId, `${clientId}x`]) {
          const authorization = basic({ clientId: id, clientSecret: "x".repeat(length) });
          const { status, text, headers } = await callAs(target.url, { procedure: "getToken", authorization });
          answers.add(JSON.stringify([status, text, headers["www-authenticate"]]));
        }
      }
      expect([...answers]).toEqual([expect.stringContaining("invalid_client")]);
    },
  );

  row(
    "refresh without client authentication",
    "is refused, also to another client, and leaves the owner's token alone",
    async () => {
      await using target = await openTarget({ open: false });
      const { service, url } = target;
      const [owner, thief] = [
        await addClient(service, { permissions: ["issue"] }),
        await addClient(service, { permissions: ["admin"] }),
      ];
      const { refreshToken } = await service.getToken(
        { ...localCaller, clientId: owner.clientId },
        { claims: {}, refreshable: true },
      );
      const call = { procedure: "refreshToken", input: { refreshToken } };
      expect(await callAs(url, call)).toMatchObject({ status: 401, reason: "invalid_client" });
      for (const client of [
        { ...owner, clientSecret: "x" },
        { clientId: owner.clientId, clientSecret: "" },
      ])
        expect(await callAs(url, { ...call, authorization: basic(client) })).toMatchObject({
          status: 401,
          reason: "invalid_client",
        });
      expect(await callAs(url, { ...call, authorization: `Bearer ${refreshToken}` })).toMatchObject({
        reason: "invalid_client",
      });
      expect(await callAs(url, { ...call, authorization: basic(thief) })).toMatchObject({
        status: 401,
        reason: "invalid_refresh_token",
      });
      expect(await callAs(url, { ...call, authorization: basic(owner) })).toMatchObject({
        status: 200,
        reason: "served",
      });
    },
  );
}
