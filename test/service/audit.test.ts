import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, it } from "vitest";
import { localCaller } from "../../src/service/access/caller.ts";
import type { NewClient } from "../../src/service/clients/client-metadata.ts";
import type { AuditRecord } from "../../src/store/audit.ts";
import type { Permission } from "../../src/store/client.ts";
import { addClient, newClient } from "../support/clients.ts";
import { addWebClient, authorizationRequest, beginSignIn, codeFor, openBrowser, sessionOf } from "../support/people.ts";
import { addResource, MCP, newResource } from "../support/resources.ts";
import { NOW } from "../support/service.ts";
import { openSharedService } from "../support/shared-service.ts";

const ADDRESS = "192.0.2.1";

/** A service, the client that calls it, and another client as a target. */
async function openWithActor(fields: Partial<NewClient>) {
  const opened = await openSharedService();
  const credentials = await addClient(opened.service, fields);
  const target = await addClient(opened.service);
  const actor = await opened.service.authenticate(credentials, ADDRESS);
  const kid = opened.service.jwks().keys[0]?.kid ?? "";
  return {
    ...opened,
    actor,
    target: target.clientId,
    kid,
    secrets: [credentials.clientSecret, target.clientSecret],
    /** The audit records of the calling client. */
    async acts(): Promise<AuditRecord[]> {
      const { records } = await opened.service.audit.list(localCaller, { clientId: actor.clientId, limit: 100 });
      return records;
    },
  };
}

type Opened = Awaited<ReturnType<typeof openWithActor>>;
type Done = { about: Partial<AuditRecord>; secrets?: string[] };

type Act = {
  action: string;
  needs: Permission;
  /** Performs the operation; returns its target and the secrets in its response. */
  act: (opened: Opened) => Promise<Done>;
  /** The target of a refusal, as far as it is known before the operation. */
  refused: (opened: Opened) => Partial<AuditRecord>;
};

const acts: Act[] = [
  {
    action: "getToken",
    needs: "issue",
    async act({ service, actor }) {
      const { token } = await service.getToken(actor, { claims: {} });
      const { jti = "", exp: expiresAt = 0 } = decodeJwt(token);
      const { kid = "" } = decodeProtectedHeader(token);
      return {
        about: { subject: actor.clientId, jti, kid, expiresAt },
        secrets: [token, token.slice(token.lastIndexOf("."))],
      };
    },
    refused: ({ actor, kid }) => ({ subject: actor.clientId, kid }),
  },
  {
    action: "clients.create",
    needs: "manage_clients",
    async act({ service, actor }) {
      const { clientId, clientSecret } = await service.clients.create(actor, newClient());
      return { about: { target: clientId }, secrets: [clientSecret] };
    },
    refused: () => ({}),
  },
  {
    action: "clients.rotateSecret",
    needs: "manage_clients",
    async act({ service, actor, target }) {
      const { clientSecret } = await service.clients.rotateSecret(actor, { clientId: target, overlap: 60 });
      return { about: { target }, secrets: [clientSecret] };
    },
    refused: ({ target }) => ({ target }),
  },
  {
    action: "clients.remove",
    needs: "manage_clients",
    async act({ service, actor, target }) {
      await service.clients.remove(actor, target);
      return { about: { target } };
    },
    refused: ({ target }) => ({ target }),
  },
  {
    action: "resources.create",
    needs: "manage_clients",
    async act({ service, actor }) {
      await service.resources.create(actor, newResource());
      return { about: { target: MCP } };
    },
    refused: () => ({ target: MCP }),
  },
  {
    action: "resources.remove",
    needs: "manage_clients",
    async act({ service, actor }) {
      await addResource(service);
      await service.resources.remove(actor, MCP);
      return { about: { target: MCP } };
    },
    refused: () => ({ target: MCP }),
  },
  {
    action: "keys.rotate",
    needs: "rotate_keys",
    async act({ service, actor, kid }) {
      const keys = await service.keys.rotate(actor, { immediate: false });
      return { about: { kid: keys.find((key) => key.kid !== kid)?.kid ?? "no new key" } };
    },
    refused: () => ({}),
  },
  {
    action: "keys.kill",
    needs: "rotate_keys",
    async act({ service, actor, kid }) {
      await service.keys.revoke(actor, kid);
      return { about: { kid } };
    },
    refused: ({ kid }) => ({ kid }),
  },
  {
    action: "sessions.revoke",
    needs: "sign_in",
    async act({ service, actor }) {
      const sid = await sessionOf(service, "ada");
      await service.sessions.revoke(actor, sid);
      return { about: { subject: "ada", target: sid } };
    },
    refused: () => ({ subject: "ada" }),
  },
  {
    action: "consents.revoke",
    needs: "sign_in",
    async act({ service, actor }) {
      const { clientId } = await addWebClient(service);
      const code = await codeFor(openBrowser(service), authorizationRequest(clientId));
      await service.consents.revoke(actor, { subject: "ada", clientId });
      return { about: { subject: "ada", target: clientId }, secrets: [code] };
    },
    refused: () => ({ subject: "ada" }),
  },
  {
    action: "signIn.accept",
    needs: "sign_in",
    async act({ service, actor }) {
      const handle = await beginSignIn(service);
      await service.signIn.accept(actor, { handle, subject: "ada" });
      return { about: { subject: "ada" }, secrets: [handle] };
    },
    refused: () => ({ subject: "ada" }),
  },
  {
    action: "signIn.refuse",
    needs: "sign_in",
    async act({ service, actor }) {
      const handle = await beginSignIn(service);
      await service.signIn.refuse(actor, handle);
      return { about: {}, secrets: [handle] };
    },
    refused: () => ({}),
  },
];

describe("the audit log", () => {
  it.each(acts)("has one record of an allowed $action, with nothing secret in it", async (it) => {
    await using opened = await openWithActor({ permissions: [it.needs], audiences: ["*"] });
    const { about, secrets = [] } = await it.act(opened);
    expect(await opened.acts()).toEqual([
      {
        id: expect.any(String),
        at: NOW,
        clientId: opened.actor.clientId,
        clientName: "test",
        action: it.action,
        outcome: "allowed",
        ...about,
      },
    ]);
    const rows = JSON.stringify(opened.rows("audit"));
    for (const secret of [...opened.secrets, ...secrets]) expect(rows).not.toContain(secret);
  });

  it.each(acts)("has one record of a refused $action before the caller gets the error", async (it) => {
    await using opened = await openWithActor({ permissions: ["follow_events"] });
    await expect(it.act(opened)).rejects.toMatchObject({ reason: "permission_denied" });
    const [record, ...others] = await opened.acts();
    expect(others).toEqual([]);
    expect(record).toMatchObject({
      at: NOW,
      action: it.action,
      outcome: "refused",
      reason: "permission_denied",
      ...it.refused(opened),
    });
  });

  it("has a record of every refusal to read", async () => {
    await using opened = await openWithActor({});
    const { service, actor } = opened;
    const reads = [
      service.clients.list(actor),
      service.resources.list(actor),
      service.keys.list(actor),
      service.audit.list(actor, { limit: 1 }),
      service.sessions.list(actor, { subject: "ada", limit: 1 }),
      service.consents.list(actor, "ada"),
      service.signIn.describe(actor, "a"),
    ];
    for (const read of reads) await expect(read).rejects.toMatchObject({ reason: "permission_denied" });
    expect((await opened.acts()).map(({ action, outcome }) => `${action} ${outcome}`).toSorted()).toEqual([
      "audit.list refused",
      "clients.list refused",
      "consents.list refused",
      "keys.list refused",
      "resources.list refused",
      "sessions.list refused",
      "signIn.describe refused",
    ]);
  });

  it("has a record of an allowed operation that failed", async () => {
    await using opened = await openWithActor({ permissions: ["admin"] });
    const { service, actor } = opened;
    await expect(service.clients.remove(actor, "nobody")).rejects.toThrow();
    await expect(service.keys.revoke(actor, "none")).rejects.toThrow();
    expect((await opened.acts()).map(({ outcome, reason }) => `${outcome} ${reason}`).toSorted()).toEqual([
      "refused unknown_client",
      "refused unknown_key",
    ]);
  });
});
