import type { Devices } from "../service/authorization/device.ts";
import type { Logout } from "../service/authorization/logout.ts";
import type { SignIns } from "../service/authorization/step.ts";
import { inSpan, SERVER_SPAN, type Tracer } from "../service/operations/tracer.ts";
import { type BrowserEndpoint, parametersOf } from "./browser-request.ts";
import { createDevelopmentForm, type DevelopmentSignIn } from "./development-sign-in.ts";
import { createUserCodeEndpoint } from "./device-endpoint.ts";
import { createLogoutEndpoint } from "./logout-endpoint.ts";
import { errorPage, thrownPage } from "./page-answers.ts";
import { PATHS } from "./paths.ts";
import { invalidRequest, requiredParameter } from "./request.ts";
import type { SignInMethod } from "./sign-in-method.ts";
import { createStepAnswers } from "./step-answers.ts";

export type AuthorizationEndpointsOptions = {
  signIns: SignIns;
  devices: Devices;
  logout: Logout;
  /** How people sign in. Without a method, nobody can, and the endpoints say so. */
  method: SignInMethod | DevelopmentSignIn | undefined;
  /** The issuer, without a slash at its end. */
  base: string;
  tracer: Tracer | undefined;
};

export type AuthorizationEndpoints = Record<
  "authorize" | "resume" | "decide" | "callback" | "userCode" | "logout",
  BrowserEndpoint
>;

/** Makes the endpoints at which people sign in and agree (RFC 6749 §3.1). */
export function createAuthorizationEndpoints(options: AuthorizationEndpointsOptions): AuthorizationEndpoints {
  const { signIns, devices, method, base, tracer } = options;
  const endpoint = createBrowserEndpoint.bind(undefined, tracer);
  // Also without a method: it ends the sessions that there are.
  const logout = endpoint(PATHS.logout, createLogoutEndpoint(options.logout, base));
  if (method === undefined) {
    const missing = endpoint(PATHS.authorize, async () => errorPage("no_sign_in_method", { status: 404 }));
    return { authorize: missing, resume: missing, decide: missing, callback: missing, userCode: missing, logout };
  }
  const { answer, answerCallback } = createStepAnswers({ signIns, method });
  const answerDevelopment = "firstClaims" in method ? createDevelopmentForm({ signIns, answer }) : undefined;

  return {
    logout,
    userCode: endpoint(PATHS.userCode, createUserCodeEndpoint(devices, answer)),
    // The browser withholds its cookies from a POST of another site (SameSite=Lax).
    authorize: endpoint(PATHS.authorize, async (request) => {
      const withheld = request.method === "POST";
      return answer(await signIns.begin(parametersOf(request), request.browser, { withheld }), request);
    }),
    resume: endpoint(PATHS.continue, async (request) => {
      const handle = requiredParameter(parametersOf(request), "handle");
      return answer(await signIns.resume(handle, request.browser), request);
    }),
    decide: endpoint(PATHS.continue, async (request) => {
      const form = parametersOf(request);
      const decision = form.parameters.get("decision");
      if (decision === undefined && answerDevelopment !== undefined) return answerDevelopment(form, request);
      const [handle, token] = [requiredParameter(form, "handle"), requiredParameter(form, "token")];
      if (decision === "switch") return answer(await signIns.switchAccount(handle, request.browser, token), request);
      if (decision !== "allow" && decision !== "deny") throw invalidRequest("decision must be allow, deny or switch.");
      return answer(await signIns.decide(handle, request.browser, { allow: decision === "allow", token }), request);
    }),
    callback: endpoint(PATHS.callback, async (request) => {
      const handle = requiredParameter(parametersOf(request), "state");
      return answerCallback(await signIns.resume(handle, request.browser), request);
    }),
  };
}

/** Makes an endpoint for browsers: an error is answered by a page. */
function createBrowserEndpoint(tracer: Tracer | undefined, path: string, serve: BrowserEndpoint): BrowserEndpoint {
  const span = { name: `mintmark${path}`, kind: SERVER_SPAN, attributes: { "http.route": path } };
  return async (request) => {
    try {
      return await (tracer === undefined ? serve(request) : inSpan(tracer, span, () => serve(request)));
    } catch (error) {
      return thrownPage(error);
    }
  };
}
