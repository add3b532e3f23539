import type { Store } from "../../store/store.ts";
import type { ClaimsSchema } from "../../token/claims.ts";
import { createIssuer, type IssueOptions } from "../tokens/issue.ts";
import { createAuthorization } from "./authorize.ts";
import { type CodeExchange, type CodeExchangeOptions, createCodeExchange } from "./exchange.ts";
import { createRequestReader, type RequestReader } from "./pending.ts";
import { createRequests } from "./requests.ts";
import { createSignInSessions, type SignInSessions, type SignInSessionsOptions } from "./sign-in-sessions.ts";
import type { SignIns } from "./step.ts";
import { createUserInfo, type UserInfo, type UserInfoOptions } from "./user-info.ts";

/** Authorization requests of one address that are stored within a minute: each is a kilobyte for ten minutes. */
const REQUESTS_PER_ADDRESS = 1000;

type Deps = Omit<IssueOptions, "store"> &
  Omit<CodeExchangeOptions, "store" | "issuer"> &
  Omit<SignInSessionsOptions, "store"> &
  Omit<UserInfoOptions<ClaimsSchema>, "store"> & { store: Store; open: boolean };

export type PeopleUseCases = CodeExchange &
  UserInfo & { signIns: SignIns; signInSessions: SignInSessions; reader: RequestReader };

/** The use cases of people: sign-in, consent, and what a code is exchanged for. */
export function createPeople(deps: Deps): PeopleUseCases {
  const { store, settings, clock, open } = deps;
  const signInSessions = createSignInSessions(deps);
  const reader = createRequestReader({ store, defaultAudience: settings.audience });
  const requests = createRequests({ store, clock, perAddress: open ? 0 : REQUESTS_PER_ADDRESS });
  return {
    ...createCodeExchange({ ...deps, issuer: createIssuer(deps) }),
    ...createUserInfo(deps),
    signIns: createAuthorization({ ...deps, sessions: signInSessions, requests, reader }),
    signInSessions,
    reader,
  };
}
