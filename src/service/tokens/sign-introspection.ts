import { MintmarkError } from "../../errors.ts";
import type { Clock } from "../../time.ts";
import { signJws } from "../../token/sign.ts";
import type { LoadedKeys } from "../keys/loaded-keys.ts";
import type { Settings } from "../settings.ts";

/** Another type than that of access tokens: nothing accepts the response as one (RFC 9701 §8.1). */
const INTROSPECTION_TYPE = "token-introspection+jwt";

/**
 * Signs an introspection response for an audience: the id of the client that asked (RFC 9701 §5). Resolves to `undefined` with a shared secret: a
 * client could verify nothing.
 */
export type SignIntrospection = (audience: string, introspection: object) => Promise<string | undefined>;

export type IntrospectionSignerOptions = {
  settings: Pick<Settings, "issuer">;
  keys: Pick<LoadedKeys, "current" | "arePairs">;
  clock: Clock;
};

export function createIntrospectionSigner({ settings, keys, clock }: IntrospectionSignerOptions): SignIntrospection {
  return async (aud, introspection) => {
    if (!keys.arePairs) return undefined;
    const { signing } = keys.current();
    if (signing === undefined) throw new MintmarkError("unavailable");
    const claims = { iss: settings.issuer(), aud, iat: clock(), token_introspection: introspection };
    return signJws(JSON.stringify(claims), signing, INTROSPECTION_TYPE);
  };
}
