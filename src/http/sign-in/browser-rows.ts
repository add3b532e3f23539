import type { IncomingMessage } from "node:http";
import { MintmarkError } from "../../errors.ts";
import { type Answer, seeOther } from "../../oauth/answers.ts";
import type { BrowserEndpoint } from "../../oauth/browser-request.ts";
import { thrownPage } from "../../oauth/page-answers.ts";
import { invalidRequest } from "../../oauth/request.ts";
import { baseOf } from "../../token/http-url.ts";
import type { LogFailure } from "../log.ts";
import type { AddressOf } from "../request/client.ts";
import { readFormBody } from "../request/form-body.ts";
import { createForeignFormCheck, isFromElsewhere, isRepeated } from "../request/origin.ts";
import { sendText } from "../respond.ts";
import { type Handle, type Row, type Target, urlOf } from "../routes.ts";
import { toFetchRequest } from "./fetch-request.ts";
import { createNameCheck } from "./issuer-name.ts";
import { createSendAnswer, type SendAnswerOptions } from "./send-answer.ts";

export type BrowserRowsOptions = SendAnswerOptions & { issuer: string; addressOf: AddressOf; logFailure: LogFailure };

export type BrowserEndpoints = {
  GET: BrowserEndpoint;
  POST?: BrowserEndpoint;
  /** Whether pages of other sites may send the form of POST. Default: only those of this server. */
  postFromAnySite?: boolean;
};

const NO_BODY = new Uint8Array();

/** Makes the function that makes the row of an endpoint for browsers. No script of another origin reads one (no CORS). */
export function createBrowserRow(options: BrowserRowsOptions): (path: string, endpoints: BrowserEndpoints) => Row {
  const { issuer, cookies, addressOf, logFailure } = options;
  const base = baseOf(issuer);
  const isForeignForm = createForeignFormCheck(issuer);
  const urlOfIssuer = createNameCheck(issuer);
  const send = createSendAnswer(options);

  async function answer(endpoint: BrowserEndpoint, request: IncomingMessage, target: Target): Promise<Answer> {
    // Others may read the second one.
    if (isRepeated(request, "content-type")) throw invalidRequest("A request has one Content-Type.");
    const method = request.method === "POST" ? "POST" : "GET";
    return endpoint({
      method,
      headers: request.headers,
      body: method === "POST" ? await readFormBody(request) : NO_BODY,
      query: target.query,
      isFromElsewhere: isFromElsewhere(request),
      browser: { ...cookies.read(request.headers.cookie), address: addressOf(request) },
      toFetchRequest: () => toFetchRequest(request, base + urlOf(target), cookies),
    });
  }

  return (path, { GET, POST, postFromAnySite = false }) => {
    const methods = POST === undefined ? (["GET"] as const) : (["GET", "POST"] as const);
    const handle: Handle = async (request, response, target) => {
      // What GET does here, such as to begin a sign-in, is not safe to repeat without its answer.
      if (request.method === "HEAD") {
        response.setHeader("allow", [...methods, "OPTIONS"].join(", "));
        return sendText(response, 405, "Method not allowed");
      }
      const respond = async (given: Answer) => {
        if (given.failure !== undefined) logFailure(request, { route: path }, given.failure);
        await send(response, given, target).catch((error: unknown) => {
          logFailure(request, { route: path }, error);
          if (!response.headersSent) sendText(response, 500, "Internal server error");
        });
      };
      try {
        const isPost = request.method === "POST";
        const location = isPost ? undefined : urlOfIssuer(request, target);
        if (location !== undefined) return await respond(seeOther(location));
        if (isPost && !postFromAnySite && isForeignForm(request)) throw new MintmarkError("forbidden_origin");
        await respond(await answer(isPost && POST !== undefined ? POST : GET, request, target));
      } catch (error) {
        await respond(thrownPage(error));
      }
    };
    return { path, methods, handle };
  };
}
