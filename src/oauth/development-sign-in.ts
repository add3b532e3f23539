import { MintmarkError } from "../errors.ts";
import { isSameSecret } from "../service/authorization/secrets.ts";
import type { SignInStep, SignIns } from "../service/authorization/step.ts";
import { isPlainObject } from "../token/json.ts";
import type { Answer } from "./answers.ts";
import type { BrowserRequest } from "./browser-request.ts";
import type { Form } from "./form.ts";
import type { SignInPage } from "./page.ts";
import { errorPage, pageAnswer } from "./page-answers.ts";
import { requiredParameter } from "./request.ts";
import type { SignInMethod } from "./sign-in-method.ts";
import type { StepAnswers } from "./step-answers.ts";

/** The sign-in of development: a page that asks whom the person wants to be. Only where access is open. */
export type DevelopmentSignIn = SignInMethod & { firstClaims: () => string };

/** `firstClaims`: what the field for the claims has at first, as JSON. */
export function createDevelopmentSignIn(firstClaims: () => string): DevelopmentSignIn {
  return {
    firstClaims,
    signIn: async (_request, step) => ({ outcome: "page", page: pageOf(step, { claims: firstClaims() }) }),
  };
}

function pageOf({ handle, token, client, loginHint }: SignInStep, changes: Partial<SignInPage>): SignInPage {
  return { name: "sign-in", handle, token, client: client.name, loginHint, ...changes };
}

export type DevelopmentFormOptions = { signIns: Pick<SignIns, "resume" | "accept">; answer: StepAnswers["answer"] };

/** Makes the function that answers the form of that page. What was entered is shown again with what is wrong with it. */
export function createDevelopmentForm({ signIns, answer }: DevelopmentFormOptions) {
  return async (form: Form, request: BrowserRequest): Promise<Answer> => {
    const handle = requiredParameter(form, "handle");
    const { browser } = request;
    const step = await signIns.resume(handle, browser);
    if (step.step !== "sign_in") return answer(step, request);
    if (!isSameSecret(requiredParameter(form, "token"), step.token)) return errorPage("invalid_request");
    const { subject, claims = "{}" } = Object.fromEntries(form.parameters);
    const again = (problem: SignInPage["problem"]) =>
      pageAnswer(pageOf(step, { loginHint: subject, claims, problem }), 400);
    if (subject === undefined) return again({ field: "subject" });
    const object = objectIn(claims);
    if (object === undefined) return again({ field: "claims", detail: "must be a JSON object" });
    try {
      return await answer(await signIns.accept(handle, browser, { subject, claims: object }), request);
    } catch (error) {
      if (!(error instanceof MintmarkError) || error.reason !== "invalid_request") throw error;
      const [{ path, message } = { path: "", message: "" }] = error.issues;
      return again({ field: path.startsWith("claims") ? "claims" : "subject", detail: `${path} ${message}`.trim() });
    }
  };
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isPlainObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
