import type { Caller } from "../service/access/caller.ts";
import type { SignIns } from "../service/authorization/step.ts";
import type { IssuedToken } from "../service/tokens/issue.ts";

/** What a service that signs people in has. */
export type PeopleService = {
  signIns: SignIns | undefined;
  exchangeCode(
    caller: Caller,
    request: {
      code: string;
      redirectUri?: string | undefined;
      verifier?: string | undefined;
      resources: readonly string[];
    },
  ): Promise<IssuedToken & { idToken?: string | undefined }>;
  userInfo(token: string): Promise<Record<string, unknown>>;
};
