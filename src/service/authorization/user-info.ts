import { MintmarkError } from "../../errors.ts";
import type { Store } from "../../store/store.ts";
import type { ClaimsSchema } from "../../token/claims.ts";
import type { JsonObject } from "../../token/json.ts";
import type { VerifyToken } from "../../verifier/token-verifier.ts";
import type { CallLimits } from "../throttle/call-limits.ts";
import { grantedProfile, hasScope } from "./openid.ts";

export type UserInfo = {
  /**
   * What the person of an access token agreed to share (OIDC Core §5.3): the subject, and the standard claims of the
   * scopes `profile`, `email`, `phone` and `address` while the sign-in session lasts. Throws as `verifyToken` does, and
   * `insufficient_scope` for a token without the scope `openid` or of no person. Not checked: the audience. Counts the call
   * if given an address.
   */
  userInfo(token: string, address?: string): Promise<{ sub: string } & JsonObject>;
};

export type UserInfoOptions<Schema extends ClaimsSchema> = {
  store: Pick<Store, "findSignInBySid">;
  verify: VerifyToken<Schema>;
  rates: Pick<CallLimits, "ofAddress">;
};

export function createUserInfo<Schema extends ClaimsSchema>(options: UserInfoOptions<Schema>): UserInfo {
  const { store, verify, rates } = options;
  return {
    async userInfo(token, address) {
      const rejection = address === undefined ? undefined : rates.ofAddress("verify", address);
      if (rejection !== undefined) throw rejection;
      const { sub, sid, grant_id, scope } = await verify(token, {});
      if (sid === undefined || grant_id === undefined || !hasScope(scope, "openid"))
        throw new MintmarkError("insufficient_scope");
      const signIn = await store.findSignInBySid(sid);
      return { ...grantedProfile(signIn?.profile ?? {}, scope), sub };
    },
  };
}
