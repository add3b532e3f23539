import fc from "fast-check";
import { expect, it } from "vitest";
import { introducedFields } from "../../src/service/clients/introduced-metadata.ts";
import { redirectUriFault } from "../../src/service/clients/redirect-uri.ts";
import type { JsonObject } from "../../src/token/json.ts";

const VALID = {
  client_name: "Notes app",
  redirect_uris: ["https://app.example/callback", "http://127.0.0.1/callback"],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
};
const RIGHTS = [
  "permissions",
  "scopes",
  "audiences",
  "anySubject",
  "firstParty",
  "jwks",
  "jwks_uri",
  "scope",
  "maxTtl",
];
const members = fc.constantFrom(...Object.keys(VALID), ...RIGHTS, "client_secret", "__proto__", "constructor");
const values = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.array(fc.constantFrom("https://app.example/", "http://localhost:1/", "javascript:x", "a.b:/", "code", "admin")),
  fc.constantFrom("none", "private_key_jwt", null),
);

it("whatever a client says of itself, it is refused, or is public without a right and with valid redirect URIs", () => {
  const seen = { fields: 0, fault: 0 };
  fc.assert(
    fc.property(fc.array(fc.tuple(members, values), { minLength: 1, maxLength: 3 }), (changes) => {
      const metadata = { ...VALID, ...Object.fromEntries(changes) } as unknown as JsonObject;
      const read = introducedFields(metadata, { name: "app.example", grants: ["authorization_code"] });
      if ("fault" in read) {
        seen.fault += 1;
        expect(read.fault.message).not.toBe("");
        return;
      }
      seen.fields += 1;
      const { name, grants, redirectUris = [], postLogoutRedirectUris, ...rights } = read.fields;
      expect(rights).toEqual({ permissions: [], scopes: ["*"], audiences: [], anySubject: false, authMethod: "none" });
      expect(grants.every((grant) => ["authorization_code", "refresh_token"].includes(grant))).toBe(true);
      expect(redirectUris.length).toBeGreaterThan(0);
      for (const uri of redirectUris) expect(redirectUriFault(uri)).toBeUndefined();
      expect(name.trim()).not.toBe("");
    }),
    { numRuns: 500 },
  );
  expect(Math.min(seen.fields, seen.fault)).toBeGreaterThan(20);
});
