import type { MintmarkError } from "../errors.ts";
import type { ClientRegistration } from "../service/clients/client-registration.ts";
import type { Client } from "../store/client.ts";
import { type JsonObject, parseJsonObject } from "../token/json.ts";
import { errorAnswer, jsonAnswer, oauthErrorOf, type TextAnswer } from "./answers.ts";
import { invalidRequest, type OAuthRequest } from "./request.ts";

/** Longest metadata of a client, in bytes. */
export const MAX_METADATA_BYTES = 5 * 1024;

const JSON_TYPE = /^application\/json[ \t]*(?:;|$)/i;

/** Makes the client registration endpoint (RFC 7591 §3). Never rejects for what a client sends. */
export function createRegistrationEndpoint({
  register,
}: ClientRegistration): (request: OAuthRequest) => Promise<TextAnswer> {
  return async (request) => {
    try {
      const client = await register(metadataIn(request), request.address);
      return { ...jsonAnswer(informationOf(client)), status: 201 };
    } catch (error) {
      return errorAnswer(error, { errorOf: registrationErrorOf });
    }
  };
}

function metadataIn({ headers, body, query }: OAuthRequest): JsonObject {
  if (query !== "") throw invalidRequest("The query must be empty.");
  const { "content-encoding": encoding = "identity", "content-type": type = "" } = headers;
  if (encoding.toLowerCase() !== "identity") throw invalidRequest("The body must not be compressed.");
  if (!JSON_TYPE.test(type.trim())) throw invalidRequest("The Content-Type must be application/json.");
  const metadata = parseJsonObject(body);
  if (metadata === undefined) throw invalidRequest("The body is no JSON object.");
  return metadata;
}

/** RFC 7591 §3.2.1: what was registered, which may be less than what was asked for. */
function informationOf(client: Client): object {
  return {
    client_id: client.clientId,
    client_id_issued_at: client.createdAt,
    client_name: client.name,
    redirect_uris: client.redirectUris,
    ...(client.postLogoutRedirectUris && { post_logout_redirect_uris: client.postLogoutRedirectUris }),
    grant_types: client.grants,
    response_types: ["code"],
    token_endpoint_auth_method: client.authMethod,
  };
}

/** RFC 7591 §3.2.2. */
export function registrationErrorOf(error: MintmarkError): string {
  if (error.reason !== "invalid_request") return oauthErrorOf(error);
  return error.issues[0]?.path === "redirect_uris" ? "invalid_redirect_uri" : "invalid_client_metadata";
}
