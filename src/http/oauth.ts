import type { IncomingMessage, ServerResponse } from "node:http";
import { MintmarkError } from "../errors.ts";
import { errorAnswer, type TextAnswer } from "../oauth/answers.ts";
import { createOAuthEndpoints, type Endpoint } from "../oauth/endpoints.ts";
import { PATHS } from "../oauth/paths.ts";
import { invalidRequest } from "../oauth/request.ts";
import type { TokenService } from "../service/service.ts";
import type { ClaimsSchema } from "../token/claims.ts";
import type { LogFailure } from "./log.ts";
import { type AddressOf, credentialsOf } from "./request/client.ts";
import { readFormBody } from "./request/form-body.ts";
import { admitOrigin, createCrossSiteCheck, isLoopbackOrigin, isOrigin, isRepeated } from "./request/origin.ts";
import { isOfPage, requestIdOf } from "./respond.ts";
import type { Handle, Row, Target } from "./routes.ts";

export type OAuthRowsOptions<Schema extends ClaimsSchema> = {
  service: TokenService<Schema>;
  /** Whether people can sign in. */
  signsIn: boolean;
  addressOf: AddressOf;
  logFailure: LogFailure;
};

const POST: Row["methods"] = ["POST", "OPTIONS"];

type RowOptions = { admitsPages: boolean; methods?: Row["methods"] };

/** The rows of the OAuth endpoints. Pages of public clients may call those for tokens, revocation and userinfo, without cookies. */
export function createOAuthRows<Schema extends ClaimsSchema>(options: OAuthRowsOptions<Schema>): Row[] {
  const { service, signsIn, addressOf, logFailure } = options;
  const { issuer, open } = service;
  const { token, introspect, revoke, userinfo, deviceAuthorization } = createOAuthEndpoints(service);
  const isCrossSite = createCrossSiteCheck(issuer, { open, isNamed: () => false });

  /** Where access is open, a page has every permission, and so must be of this machine. */
  async function isOfPublicClient({ headers: { origin } }: IncomingMessage): Promise<boolean> {
    if (origin === undefined || !isOrigin(origin) || (open && !isLoopbackOrigin(origin))) return false;
    return (await service.publicOrigins()).has(origin);
  }

  async function answer(endpoint: Endpoint, request: IncomingMessage, { query }: Target): Promise<TextAnswer> {
    // Others may read the second one.
    if (isRepeated(request, "content-type")) throw invalidRequest("A request has one Content-Type.");
    const body = await readFormBody(request);
    const client = { credentials: credentialsOf(request), address: addressOf(request), isOfPage: isOfPage(request) };
    const { method, headers, rawHeaders } = request;
    return endpoint({ method, headers, rawHeaders, body, query, ...client });
  }

  function row(path: string, endpoint: Endpoint, { admitsPages, methods = POST }: RowOptions): Row {
    const handle: Handle = async (request, response, target) => {
      const respond = (answer: TextAnswer) => {
        if (answer.failure !== undefined) logFailure(request, { route: path }, answer.failure);
        sendAnswer(response, answer);
      };
      try {
        if (admitsPages) response.setHeader("vary", "origin");
        const isAdmitted = admitsPages && (await isOfPublicClient(request));
        if (isAdmitted) admitOrigin(request, response);
        if (request.method === "OPTIONS") return void response.writeHead(204, { allow: methods.join(", ") }).end();
        if (!isAdmitted && isCrossSite(request)) throw new MintmarkError("forbidden_origin");
        respond(await answer(endpoint, request, target));
      } catch (error) {
        respond(errorAnswer(error));
      }
    };
    return { path, handle, methods };
  }

  return [
    row(PATHS.token, token, { admitsPages: true }),
    row(PATHS.revoke, revoke, { admitsPages: true }),
    row(PATHS.introspect, introspect, { admitsPages: false }),
    ...(signsIn && deviceAuthorization
      ? [row(PATHS.deviceAuthorization, deviceAuthorization, { admitsPages: false })]
      : []),
    ...(signsIn ? [row(PATHS.userinfo, userinfo, { admitsPages: true, methods: ["GET", ...POST] })] : []),
  ];
}

function sendAnswer(response: ServerResponse, { status, headers, body }: TextAnswer): void {
  const more = status < 400 ? {} : { "x-request-id": requestIdOf(response.req) };
  response.writeHead(status, { ...headers, ...more, "content-length": Buffer.byteLength(body) }).end(body);
}
