import type { Logout, LogoutStep } from "../service/authorization/logout.ts";
import { type Answer, seeOther } from "./answers.ts";
import { type BrowserRequest, parametersOf } from "./browser-request.ts";
import { pageAnswer } from "./page-answers.ts";
import { PATHS } from "./paths.ts";

/** In the form by which a page of this server repeats a request. */
const REPEATED = "repeated";

/**
 * Makes the logout endpoint (OIDC RP-Initiated Logout 1.0 §2). A browser withholds its cookies from a POST of another site
 * (SameSite=Lax), so such a request is repeated by a page of this server: in the address of a redirect, servers would log
 * the `id_token`.
 */
export function createLogoutEndpoint(logout: Logout, base: string): (request: BrowserRequest) => Promise<Answer> {
  return async (request) => {
    const { parameters } = parametersOf(request);
    const { browser, method, isFromElsewhere } = request;
    const isPost = method === "POST";
    // Another site that says so itself would have the person signed out, as the page says, and the session goes on.
    const isRepeated = parameters.has(REPEATED) && !isFromElsewhere;
    if (isPost && browser.session === undefined && !isRepeated) {
      const repeated = { ...Object.fromEntries(parameters), [REPEATED]: "1" };
      return pageAnswer({ name: "form-post", action: base + PATHS.logout, parameters: repeated });
    }
    const step = await logout({ parameters, token: isPost ? parameters.get("token") : undefined }, browser);
    return { ...answerTo(step), cookies: step.cookies };
  };
}

function answerTo(step: LogoutStep): Answer {
  switch (step.step) {
    case "redirect":
      return seeOther(step.redirectUri);
    case "signed_out":
      return pageAnswer({ name: "signed-out" });
    case "log_out": {
      const { token, parameters, client } = step;
      return pageAnswer({ name: "log-out", token, parameters, client: client?.name });
    }
  }
}
