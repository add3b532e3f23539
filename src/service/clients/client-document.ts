import { parseDocumentUrl } from "../../remote/document-url.ts";
import type { ClientFields } from "../../store/client.ts";
import { identifier } from "../../token/claims.ts";
import type { JsonObject } from "../../token/json.ts";
import { introducedFields } from "./introduced-metadata.ts";

/** What a client id that is the URL of a document begins with. No id that an administrator's client has does. */
export function isUrl(clientId: string): boolean {
  return /^https?:/i.test(clientId);
}

/**
 * Whether a client id is the URL of a Client ID Metadata Document: https, or http on loopback, with a path. It is compared as
 * a string, so it must be written as parsers write it: without `.` and `..` segments, default port and capital letters in the host.
 * Like every client id, it has 255 characters at most. Not checked: the addresses of its host.
 */
export function isDocumentUrl(clientId: string): boolean {
  const url = parseDocumentUrl(clientId);
  return url?.href === clientId && url.pathname !== "/" && identifier.safeParse(clientId).success;
}

/** The fields of a client by its document, or why it does not count. Without a name, the client has that of its host. */
export function documentFields(
  clientId: string,
  document: JsonObject,
): { fields: ClientFields } | { fault: "client_id_mismatch" | "invalid_metadata" } {
  if (document.client_id !== clientId) return { fault: "client_id_mismatch" };
  const defaults = { name: new URL(clientId).host, grants: ["authorization_code", "refresh_token"] } as const;
  const read = introducedFields(document, defaults);
  return "fault" in read ? { fault: "invalid_metadata" } : read;
}
