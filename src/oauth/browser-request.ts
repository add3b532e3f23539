import type { Browser } from "../service/authorization/step.ts";
import type { Answer } from "./answers.ts";
import type { Form } from "./form.ts";
import { formOf, type OAuthRequest, queryOf } from "./request.ts";

/** A request of a person's browser, as received by any HTTP server. */
export type BrowserRequest = Pick<OAuthRequest, "headers" | "body" | "query"> & {
  method: "GET" | "POST";
  browser: Browser;
  /** Whether the browser says that no page of this server sent it. Old browsers say nothing. */
  isFromElsewhere: boolean;
  /** Makes the request for a sign-in method: its URL is absolute and of the issuer, and it has no body. */
  toFetchRequest(): Request;
};

/** Answers a request of a browser. Never rejects. */
export type BrowserEndpoint = (request: BrowserRequest) => Promise<Answer>;

/** The parameters: in the query of GET, in the body of POST. Throws `invalid_request` where they cannot be read. */
export function parametersOf(request: BrowserRequest): Form {
  return request.method === "POST" ? formOf(request) : queryOf(request.query);
}
