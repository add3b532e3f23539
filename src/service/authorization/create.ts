import type { Store } from "../../store/store.ts";
import type { ClaimsSchema } from "../../token/claims.ts";
import { createIssuer, type IssueOptions } from "../tokens/issue.ts";
import { type ApplicationSignIn, createApplicationSignIn } from "./application-sign-in.ts";
import { createAuthorization } from "./authorize.ts";
import { type Consents, createConsents } from "./consents.ts";
import { createDevices, type Devices } from "./device.ts";
import { createDeviceExchange, type ExchangeDeviceCode } from "./device-exchange.ts";
import { type CodeExchange, type CodeExchangeOptions, createCodeExchange } from "./exchange.ts";
import { createLogout, type Logout, type LogoutOptions } from "./logout.ts";
import { createRequestReader, type RequestReader, type RequestReaderOptions } from "./pending.ts";
import { createRequests } from "./requests.ts";
import { createSessions, type Sessions } from "./sessions.ts";
import { createSignInSessions, type SignInSessions, type SignInSessionsOptions } from "./sign-in-sessions.ts";
import type { SignIns } from "./step.ts";
import { createUserInfo, type UserInfo, type UserInfoOptions } from "./user-info.ts";

/** Authorization requests of one address that are stored within a minute: each is a kilobyte for ten minutes. */
const REQUESTS_PER_ADDRESS = 1000;

type Deps = Omit<IssueOptions, "store"> &
  Omit<CodeExchangeOptions, "store" | "issuer"> &
  Omit<SignInSessionsOptions, "store"> &
  Omit<UserInfoOptions<ClaimsSchema>, "store"> &
  Pick<LogoutOptions, "keys"> &
  Pick<RequestReaderOptions, "documents"> & { store: Store; open: boolean };

export type PeopleUseCases = CodeExchange &
  UserInfo & {
    signIns: SignIns;
    signInSessions: SignInSessions;
    reader: RequestReader;
    logout: Logout;
    devices: Devices;
    exchangeDeviceCode: ExchangeDeviceCode;
    sessions: Sessions;
    consents: Consents;
    signIn: ApplicationSignIn<Record<string, unknown>>;
  };

/** The use cases of people: sign-in, consent, and what a code is exchanged for. */
export function createPeople(deps: Deps): PeopleUseCases {
  const { store, settings, clock, open, documents } = deps;
  const signInSessions = createSignInSessions(deps);
  const reader = createRequestReader({ store, documents, defaultAudience: settings.audience });
  const requests = createRequests({ store, clock, perAddress: open ? 0 : REQUESTS_PER_ADDRESS });
  const exchange = createCodeExchange({ ...deps, issuer: createIssuer(deps) });
  const signIns = createAuthorization({ ...deps, sessions: signInSessions, requests, reader });
  return {
    ...exchange,
    ...createUserInfo(deps),
    signIns,
    signInSessions,
    reader,
    logout: createLogout({ ...deps, end: signInSessions.end }),
    devices: createDevices({ ...deps, target: reader.target, keep: requests.keep, resume: signIns.resume }),
    exchangeDeviceCode: createDeviceExchange({ ...deps, exchangeApproval: exchange.exchangeApproval }),
    sessions: createSessions(deps),
    consents: createConsents(deps),
    signIn: createApplicationSignIn(deps),
  };
}
