import { describe, expect, it } from "vitest";
import { catalogue, MintmarkError, type Reason } from "../../src/errors.ts";
import { errorAnswer } from "../../src/oauth/answers.ts";

/** Status and `error` of every reason. Those that the endpoints never meet have the status of the catalogue. */
const ERRORS: Record<Reason, [status: number, error: string]> = {
  invalid_token: [401, "invalid_token"],
  token_expired: [401, "invalid_token"],
  token_revoked: [401, "invalid_token"],
  not_yet_valid: [401, "invalid_token"],
  wrong_issuer: [401, "invalid_token"],
  wrong_audience: [401, "invalid_token"],
  insufficient_scope: [403, "insufficient_scope"],
  invalid_refresh_token: [400, "invalid_grant"],
  invalid_code: [400, "invalid_grant"],
  invalid_client: [401, "invalid_client"],
  permission_denied: [400, "unauthorized_client"],
  too_many_followers: [429, "temporarily_unavailable"],
  too_many_attempts: [429, "temporarily_unavailable"],
  rate_limited: [429, "temporarily_unavailable"],
  unknown_client: [400, "invalid_request"],
  unknown_key: [400, "invalid_request"],
  too_many_secrets: [400, "invalid_request"],
  conflict: [409, "temporarily_unavailable"],
  kek_changed: [412, "server_error"],
  invalid_target: [400, "invalid_target"],
  unknown_resource: [400, "invalid_request"],
  unknown_sign_in: [400, "invalid_request"],
  resource_exists: [400, "invalid_request"],
  no_key_pairs: [400, "invalid_request"],
  forbidden_origin: [403, "access_denied"],
  invalid_request: [400, "invalid_request"],
  unsupported_grant_type: [400, "unsupported_grant_type"],
  authorization_pending: [400, "authorization_pending"],
  slow_down: [400, "slow_down"],
  access_denied: [400, "access_denied"],
  expired_device_code: [400, "expired_token"],
  malformed_request: [400, "invalid_request"],
  batch_too_large: [400, "invalid_request"],
  not_found: [400, "invalid_request"],
  method_not_supported: [405, "invalid_request"],
  unsupported_media_type: [400, "invalid_request"],
  payload_too_large: [413, "invalid_request"],
  client_closed_request: [499, "temporarily_unavailable"],
  verifier_stale: [503, "temporarily_unavailable"],
  unavailable: [503, "temporarily_unavailable"],
  internal_error: [500, "server_error"],
};

const read = (error: unknown, options = {}) => {
  const { body, ...answer } = errorAnswer(error, options);
  return { ...answer, headers: answer.headers as Record<string, string>, json: JSON.parse(body) };
};

describe("errorAnswer", () => {
  it.each(Object.keys(catalogue) as Reason[])("answers %s by its status and error of RFC 6749", (reason) => {
    const { status, headers, json, failure } = read(new MintmarkError(reason, { retryAfter: 7 }));
    expect([status, json.error]).toEqual(ERRORS[reason]);
    expect(json).toEqual({ error: json.error, error_description: catalogue[reason].message, error_reason: reason });
    expect(headers).toEqual({
      "cache-control": "no-store",
      pragma: "no-cache",
      "content-type": "application/json",
      "retry-after": "7",
    });
    expect(failure !== undefined).toBe(status >= 500);
  });

  it.each([
    ["rate_limited", "1"],
    ["unavailable", "1"],
    ["verifier_stale", "1"],
    ["invalid_refresh_token", undefined],
    ["internal_error", undefined],
  ] as const)("has Retry-After for %s where a retry may help: %s", (reason, seconds) => {
    expect(read(new MintmarkError(reason)).headers["retry-after"]).toBe(seconds);
  });

  it.each([
    ["permission_denied", "scope", "invalid_scope"],
    ["permission_denied", "audience", "invalid_target"],
    ["permission_denied", "permission", "unauthorized_client"],
    ["permission_denied", "grant", "unauthorized_client"],
    ["permission_denied", "subject", "unauthorized_client"],
    ["permission_denied", "expiresIn", "unauthorized_client"],
    ["invalid_request", "scope", "invalid_scope"],
    ["invalid_request", "claims", "invalid_request"],
    ["invalid_request", "", "invalid_request"],
    ["invalid_request", "constructor", "invalid_request"],
  ] as const)("answers %s of %s by %s", (reason, path, error) => {
    expect(read(new MintmarkError(reason, { issues: [{ path, message: "is wrong" }] }))).toMatchObject({
      status: 400,
      json: { error, error_reason: reason },
    });
  });

  it("challenges a client that tried the Authorization header, and no other", () => {
    const error = new MintmarkError("invalid_client");
    expect(read(error, { isChallenged: true }).headers).toHaveProperty(
      "www-authenticate",
      expect.stringMatching(/^Basic /),
    );
    expect(read(error).headers).not.toHaveProperty("www-authenticate");
    expect(read(new MintmarkError("rate_limited"), { isChallenged: true }).headers).not.toHaveProperty(
      "www-authenticate",
    );
  });

  it("describes in the characters of RFC 6749 alone", () => {
    const message = 'may not be "a\\b" or ü\r\n';
    const { json } = read(new MintmarkError("invalid_request", { issues: [{ path: "claims", message }] }));
    expect(json.error_description).toBe("Invalid input: claims may not be 'a?b' or ???");
  });

  it("says nothing of an unexpected error, and hands it to the log", () => {
    const error = new Error("canary");
    const answer = read(error);
    expect(answer).toMatchObject({ status: 500, json: { error: "server_error", error_reason: "internal_error" } });
    expect(answer.failure).toBe(error);
    expect(JSON.stringify({ ...answer, failure: undefined })).not.toContain("canary");
  });
});
