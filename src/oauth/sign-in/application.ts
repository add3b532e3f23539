import type { SignInMethod } from "../sign-in-method.ts";
import { redirectTo } from "./redirect.ts";

/**
 * Makes the method by which people sign in at a page of an application in another process: the browser is sent to
 * `<url>?handle=…`. The application calls `signIn.accept` or `signIn.refuse` with that handle, and sends the browser to the URL
 * in the answer.
 */
export function createApplicationSignIn(url: string): SignInMethod {
  return {
    async signIn(_request, { handle }) {
      const target = new URL(url);
      target.searchParams.set("handle", handle);
      return { outcome: "response", response: redirectTo(target) };
    },
  };
}
