import type { Logger } from "pino";
import { createAuthorizationEndpoints } from "../../oauth/authorization-endpoint.ts";
import type { BrowserEndpoint } from "../../oauth/browser-request.ts";
import type { DevelopmentSignIn } from "../../oauth/development-sign-in.ts";
import { PATHS } from "../../oauth/paths.ts";
import type { SignInMethod } from "../../oauth/sign-in-method.ts";
import type { Devices } from "../../service/authorization/device.ts";
import type { Logout } from "../../service/authorization/logout.ts";
import type { SignIns } from "../../service/authorization/step.ts";
import type { Tracer } from "../../service/operations/tracer.ts";
import { baseOf } from "../../token/http-url.ts";
import type { Row } from "../routes.ts";
import { type BrowserRowsOptions, createBrowserRow } from "./browser-rows.ts";

export type SignInRowsOptions = BrowserRowsOptions & {
  signIns: SignIns;
  devices: Devices;
  logout: Logout;
  method: SignInMethod | DevelopmentSignIn | undefined;
  tracer: Tracer | undefined;
  logger: Logger;
};

/** The rows at which people sign in and agree. */
export function createSignInRows(options: SignInRowsOptions): Row[] {
  const { method, issuer } = options;
  const endpoints = createAuthorizationEndpoints({ ...options, base: baseOf(issuer) });
  const row = createBrowserRow(options);
  const authorize = method === undefined ? explaining(options.logger, endpoints.authorize) : endpoints.authorize;
  return [
    row(PATHS.authorize, { GET: authorize, POST: authorize, postFromAnySite: true }),
    row(PATHS.continue, { GET: endpoints.resume, POST: endpoints.decide }),
    row(PATHS.logout, { GET: endpoints.logout, POST: endpoints.logout, postFromAnySite: true }),
    row(PATHS.userCode, { GET: endpoints.userCode, POST: endpoints.userCode }),
    ...(method?.callback === undefined ? [] : [row(PATHS.callback, { GET: endpoints.callback })]),
  ];
}

/** Logs once why nobody can sign in. */
function explaining(logger: Logger, endpoint: BrowserEndpoint): BrowserEndpoint {
  let isLogged = false;
  return (request) => {
    if (!isLogged)
      logger.warn(
        "A client sent a person to sign in, and this server has no sign-in method: set MINTMARK_SIGN_IN_ISSUER, MINTMARK_SIGN_IN_URL or the option signIn",
      );
    isLogged = true;
    return endpoint(request);
  };
}
