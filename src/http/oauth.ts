import type { IncomingMessage, ServerResponse } from "node:http";
import { MintmarkError } from "../errors.ts";
import { errorAnswer, type TextAnswer } from "../oauth/answers.ts";
import { createOAuthEndpoints, type Endpoint } from "../oauth/endpoints.ts";
import { PATHS } from "../oauth/paths.ts";
import { MAX_METADATA_BYTES } from "../oauth/registration-endpoint.ts";
import { clientIdIn, invalidRequest, type OAuthRequest } from "../oauth/request.ts";
import type { TokenService } from "../service/service.ts";
import type { ClaimsSchema } from "../token/claims.ts";
import type { LogFailure } from "./log.ts";
import { type AddressOf, credentialsOf } from "./request/client.ts";
import { readFormBody } from "./request/form-body.ts";
import { readJsonBody } from "./request/json-body.ts";
import { admitOrigin, createCrossSiteCheck, isLoopbackOrigin, isOrigin, isRepeated } from "./request/origin.ts";
import { endAtOnce, isOfPage, requestIdOf } from "./respond.ts";
import type { Handle, Row, Target } from "./routes.ts";

export type OAuthRowsOptions<Schema extends ClaimsSchema> = {
  service: TokenService<Schema>;
  /** Whether people can sign in. */
  signsIn: boolean;
  addressOf: AddressOf;
  logFailure: LogFailure;
};

const POST: Row["methods"] = ["POST", "OPTIONS"];

type ReadBody = (request: IncomingMessage) => Promise<Uint8Array>;

type RowOptions = {
  /** Whose pages may call, without cookies: nobody's, those of public clients, or everyone's. */
  admits: "nobody" | "clients" | "everyone";
  methods?: Row["methods"];
  /** Default: a form. */
  read?: ReadBody;
};

/** The rows of the OAuth endpoints. Pages of public clients may call those for tokens, revocation and userinfo, without cookies. */
export function createOAuthRows<Schema extends ClaimsSchema>(options: OAuthRowsOptions<Schema>): Row[] {
  const { service, signsIn, addressOf, logFailure } = options;
  const { issuer, open } = service;
  const { token, introspect, revoke, userinfo, deviceAuthorization, register } = createOAuthEndpoints(service);
  const isCrossSite = createCrossSiteCheck(issuer, { open, isNamed: () => false });

  /** Where access is open, a page has every permission, and so must be of this machine. */
  const mayBeAdmitted = (origin: string | undefined): origin is string =>
    origin !== undefined && isOrigin(origin) && (!open || isLoopbackOrigin(origin));

  const isOfPublicClient = async (origin: string) => (await service.publicOrigins()).has(origin);

  /** Such a client is known by its request alone. So its page gets no answer to a preflight: a form without headers needs none. */
  async function isOfIntroducedClient(
    { headers: { origin } }: IncomingMessage,
    received: OAuthRequest,
  ): Promise<boolean> {
    const clientId = clientIdIn(received);
    return clientId !== undefined && mayBeAdmitted(origin) && service.isIntroducedOrigin(clientId, origin);
  }

  async function receive(request: IncomingMessage, { query }: Target, read: ReadBody): Promise<OAuthRequest> {
    // Others may read the second one.
    if (isRepeated(request, "content-type")) throw invalidRequest("A request has one Content-Type.");
    const body = await read(request);
    const client = { credentials: credentialsOf(request), address: addressOf(request), isOfPage: isOfPage(request) };
    const { method, headers, rawHeaders } = request;
    return { method, headers, rawHeaders, body, query, ...client };
  }

  function row(path: string, endpoint: Endpoint, options: RowOptions): Row {
    const { admits, methods = POST, read = readFormBody } = options;
    const handle: Handle = async (request, response, target) => {
      const respond = (answer: TextAnswer) => {
        if (answer.failure !== undefined) logFailure(request, { route: path }, answer.failure);
        sendAnswer(response, answer);
      };
      try {
        if (admits === "clients") response.setHeader("vary", "origin");
        const { origin } = request.headers;
        const isKnown =
          admits === "everyone" || (admits === "clients" && mayBeAdmitted(origin) && (await isOfPublicClient(origin)));
        if (isKnown && admits === "clients") admitOrigin(request, response);
        if (request.method === "OPTIONS") return void response.writeHead(204, { allow: methods.join(", ") }).end();
        const isForeign = !isKnown && isCrossSite(request);
        if (isForeign && admits === "nobody") throw new MintmarkError("forbidden_origin");
        const received = await receive(request, target, read);
        if (isForeign && !(await isOfIntroducedClient(request, received))) throw new MintmarkError("forbidden_origin");
        if (isForeign) admitOrigin(request, response);
        respond(await endpoint(received));
      } catch (error) {
        respond(errorAnswer(error));
      }
    };
    return { path, handle, methods, anyOrigin: admits === "everyone" };
  }

  return [
    row(PATHS.token, token, { admits: "clients" }),
    row(PATHS.revoke, revoke, { admits: "clients" }),
    row(PATHS.introspect, introspect, { admits: "nobody" }),
    ...(signsIn && deviceAuthorization
      ? [row(PATHS.deviceAuthorization, deviceAuthorization, { admits: "nobody" })]
      : []),
    ...(signsIn ? [row(PATHS.userinfo, userinfo, { admits: "clients", methods: ["GET", ...POST] })] : []),
    ...(signsIn && register
      ? [row(PATHS.register, register, { admits: "everyone", methods: ["POST"], read: readMetadata })]
      : []),
  ];
}

const readMetadata: ReadBody = (request) => readJsonBody(request, MAX_METADATA_BYTES);

function sendAnswer(response: ServerResponse, { status, headers, body }: TextAnswer): void {
  const more = status < 400 ? {} : { "x-request-id": requestIdOf(response.req) };
  response.writeHead(status, { ...headers, ...more, "content-length": Buffer.byteLength(body) });
  endAtOnce(response, body);
}
