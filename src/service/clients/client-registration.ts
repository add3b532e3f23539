import { randomUUID } from "node:crypto";
import { withTimeout } from "../../async/with-timeout.ts";
import { MintmarkError } from "../../errors.ts";
import type { Client } from "../../store/client.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../time.ts";
import type { JsonObject } from "../../token/json.ts";
import type { AuditLog } from "../access/audit-log.ts";
import { addressPrefix } from "../throttle/call-limits.ts";
import { createFixedWindow } from "../throttle/fixed-window.ts";
import { introducedFields, MAX_UNUSED } from "./introduced-metadata.ts";
import { receiverOf } from "./redirect-uri.ts";

export type ClientRegistration = {
  /**
   * Registers a client that says what it is, in the names of RFC 7591 §2. It is public, and has no right but to ask people for
   * open resources. It is deleted after a day without a token, and earlier where 10,000 others are newer. Throws
   * `invalid_request` for the first member that is not valid, and `rate_limited` over the limit of an address.
   */
  register(metadata: JsonObject, address?: string): Promise<Client>;
};

export type ClientRegistrationOptions = {
  store: Pick<Store, "addIntroducedClient">;
  clock: Clock;
  audit: Pick<AuditLog, "record">;
  /** Most registrations of one address within a minute; 0 is unlimited. */
  perAddress: number;
};

/** Dynamic client registration (RFC 7591), without an access token and without later changes (RFC 7592). */
export function createClientRegistration(options: ClientRegistrationOptions): ClientRegistration {
  const { store, clock, audit, perAddress } = options;
  const limit = perAddress === 0 ? undefined : createFixedWindow(perAddress, clock);
  return {
    async register(metadata, address) {
      const retryAfter = address === undefined ? 0 : (limit?.take(addressPrefix(address)) ?? 0);
      if (retryAfter > 0) throw new MintmarkError("rate_limited", { retryAfter });
      const read = introducedFields(metadata, { name: "", grants: ["authorization_code"] });
      if ("fault" in read) {
        const { member: path, message } = read.fault;
        throw new MintmarkError("invalid_request", { issues: [{ path, message }] });
      }
      const { fields } = read;
      const [redirectUri = ""] = fields.redirectUris ?? [];
      const clientId = randomUUID();
      const named = { ...fields, name: fields.name === "" ? receiverOf(redirectUri) : fields.name };
      const client = { ...named, clientId, createdAt: clock(), secrets: [], introduced: "registration" } as const;
      const about = { clientId, target: clientId, outcome: "allowed" } as const;
      const record = audit.record({ ...about, action: "clients.introduce" });
      await withTimeout(store.addIntroducedClient(client, { maxUnused: MAX_UNUSED }, record));
      return client;
    },
  };
}
