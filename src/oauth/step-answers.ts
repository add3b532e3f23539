import { catalogue, MintmarkError } from "../errors.ts";
import type { Browser, Cookies, SignInStep, SignIns, Step } from "../service/authorization/step.ts";
import { type Answer, type PageAnswer, seeOther } from "./answers.ts";
import type { BrowserRequest } from "./browser-request.ts";
import { errorPage, pageAnswer } from "./page-answers.ts";
import type { SignInMethod, SignInOutcome } from "./sign-in-method.ts";

export type StepAnswersOptions = {
  signIns: Pick<SignIns, "accept" | "refuse">;
  method: SignInMethod;
};

export type StepAnswers = {
  /** The answer for what comes next in an authorization. Runs the sign-in method where that is a sign-in. */
  answer(step: Step, request: BrowserRequest): Promise<Answer>;
  /** The answer to a browser that comes back from where the sign-in method sent it. */
  answerCallback(step: Step, request: BrowserRequest): Promise<Answer>;
};

/** Makes the functions that answer a step of an authorization. The answer to POST redirects, so that a reload repeats nothing. */
export function createStepAnswers({ signIns, method }: StepAnswersOptions): StepAnswers {
  const { callback = method.signIn } = method;

  /** Runs the sign-in method. All that it causes is its failure, so that no message blames the person. */
  async function signIn(
    find: SignInMethod["signIn"],
    { cookies, ...step }: SignInStep & { cookies?: Cookies | undefined },
    request: BrowserRequest,
  ): Promise<Answer> {
    try {
      const outcome = await find(request.toFetchRequest(), step);
      const answer = await conclude(outcome, step.handle, {
        ...request,
        browser: browserWith(request.browser, cookies),
      });
      return { ...answer, cookies: bothOf(cookies, answer.cookies) };
    } catch (error) {
      return { ...failedPage(error), cookies };
    }
  }

  async function conclude(outcome: SignInOutcome, handle: string, request: BrowserRequest): Promise<Answer> {
    switch (outcome.outcome) {
      case "person":
        return plainAnswer(await signIns.accept(handle, request.browser, outcome.person), request);
      case "refused":
        return plainAnswer(await signIns.refuse(handle, request.browser), request);
      case "response":
        return { status: outcome.response.status, headers: {}, response: outcome.response };
      case "page":
        return pageAnswer(outcome.page);
      case "failed":
        return errorPage("sign_in_failed");
    }
  }

  function plainAnswer(step: Step, request: BrowserRequest): Answer {
    return { ...answerOf(step, request), cookies: step.cookies };
  }

  function answerOf(step: Step, request: BrowserRequest): Answer {
    switch (step.step) {
      case "refused":
        return errorPage(step.reason, {
          status: step.reason === "rate_limited" ? 429 : 400,
          retryAfter: step.retryAfter,
        });
      case "redirect":
        return step.responseMode === "form_post"
          ? pageAnswer({ name: "form-post", action: step.redirectUri, parameters: step.parameters })
          : seeOther(withParameters(step.redirectUri, step.parameters));
      case "continue":
      case "sign_in":
        return seeOther(step.url);
      case "consent": {
        const { step: name, cookies: _cookies, url, ...consent } = step;
        return request.method === "POST" ? seeOther(url) : pageAnswer({ name, ...consent, canSwitch: true });
      }
      case "device_done":
        return pageAnswer({ name: "device-done", allowed: step.allowed });
    }
  }

  const answerBy = (find: SignInMethod["signIn"]) => async (step: Step, request: BrowserRequest) =>
    step.step === "sign_in" && request.method === "GET" ? signIn(find, step, request) : plainAnswer(step, request);

  return {
    answer: answerBy((request, step) => method.signIn(request, step)),
    answerCallback: answerBy((request, step) => callback.call(method, request, step)),
  };
}

/** A redirect URI with the parameters of an answer. It is kept as registered, with its own query. */
function withParameters(uri: string, parameters: Record<string, string>): string {
  return `${uri}${uri.includes("?") ? "&" : "?"}${new URLSearchParams(parameters)}`;
}

/** The browser as it will be after these cookies. */
function browserWith(browser: Browser, { session, key }: Cookies = {}): Browser {
  const { value } = session === "clear" || session === undefined ? {} : session;
  return {
    ...browser,
    session: session === "clear" ? undefined : (value ?? browser.session),
    key: key?.value ?? browser.key,
  };
}

function bothOf(first: Cookies = {}, second: Cookies = {}): Cookies {
  return { session: second.session ?? first.session, key: second.key ?? first.key };
}

/** A wrong person is the fault of the method. `unavailable` can be retried. */
function failedPage(failure: unknown): PageAnswer {
  const isAway = failure instanceof MintmarkError && catalogue[failure.reason].status === 503;
  const page = isAway
    ? errorPage("sign_in_unavailable", { status: 503, retryAfter: failure.retryAfter ?? 1 })
    : errorPage("sign_in_failed", { status: 500 });
  return { ...page, failure };
}
