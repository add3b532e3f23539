import type { IncomingMessage, ServerResponse } from "node:http";
import type { Answer } from "../../oauth/answers.ts";
import type { Page } from "../../oauth/page.ts";
import { languageOf } from "../pages/sign-in/language.ts";
import { renderPage } from "../pages/sign-in/render.ts";
import { requestIdOf } from "../respond.ts";
import type { Target } from "../routes.ts";
import type { Theme } from "../theme.ts";
import type { BrowserCookies } from "./cookies.ts";
import { sendResponse } from "./send-response.ts";

export type SendAnswerOptions = { cookies: BrowserCookies; theme: Theme };

/** Makes the function that sends an answer to a browser: its cookies, and a page in its language. */
export function createSendAnswer({ cookies, theme }: SendAnswerOptions) {
  return async (response: ServerResponse, answer: Answer, target: Target): Promise<void> => {
    const request = response.req;
    const set = cookies.write(answer.cookies);
    if ("response" in answer) return sendResponse(response, answer.response, set);
    const { body, headers } = "page" in answer ? rendered(answer.page, { request, target, theme }) : answer;
    if (set.length > 0) response.setHeader("set-cookie", set);
    if (answer.status >= 400) response.setHeader("x-request-id", requestIdOf(request));
    response.writeHead(answer.status, { ...answer.headers, ...headers, "content-length": Buffer.byteLength(body) });
    response.end(body);
  };
}

type RenderedFor = { request: IncomingMessage; target: Target; theme: Theme };

function rendered(page: Page, { request, target, theme }: RenderedFor) {
  const language = languageOf(request.headers["accept-language"]);
  const shown = page.name === "error" ? { ...page, requestId: requestIdOf(request) } : page;
  return renderPage(shown, { language, theme, path: "../".repeat(target.path.split("/").length - 2) });
}
