import type { Caller } from "../service/access/caller.ts";
import { inSpan, SERVER_SPAN } from "../service/operations/tracer.ts";
import type { TokenService } from "../service/service.ts";
import type { Rate } from "../service/throttle/call-limits.ts";
import type { ClaimsSchema } from "../token/claims.ts";
import { errorAnswer, type TextAnswer } from "./answers.ts";
import { presentedCredentials } from "./client-authentication.ts";
import { createDeviceAuthorizationEndpoint } from "./device-endpoint.ts";
import type { Form } from "./form.ts";
import { createIntrospectionEndpoint } from "./introspection-endpoint.ts";
import { PATHS } from "./paths.ts";
import { createRegistrationEndpoint } from "./registration-endpoint.ts";
import { formOf, type OAuthRequest } from "./request.ts";
import { createRevocationEndpoint } from "./revocation-endpoint.ts";
import { createTokenEndpoint } from "./token-endpoint.ts";
import { createUserInfoEndpoint } from "./userinfo-endpoint.ts";

/** Answers a request. Never rejects. */
export type Endpoint = (request: OAuthRequest) => Promise<TextAnswer>;

type Work = {
  /** The limit that counts the calls: that of the procedure of the same use case. */
  rate?: Rate;
  perform: (caller: Caller, form: Form, request: OAuthRequest) => Promise<TextAnswer>;
};

/** Makes the endpoints for programs. Each but userinfo and registration authenticates the client, after the whole request has arrived. */
export function createOAuthEndpoints<Schema extends ClaimsSchema>(
  service: TokenService<Schema>,
): Record<"token" | "introspect" | "revoke" | "userinfo", Endpoint> & {
  deviceAuthorization?: Endpoint;
  register?: Endpoint;
} {
  const { authenticate, tracer, devices, registration } = service;

  function endpoint(path: string, { rate, perform }: Work): Endpoint {
    return traced(path, async (request) => {
      const form = formOf(request);
      const credentials = presentedCredentials(request.credentials, form);
      return perform(await authenticate(credentials, request.address, rate), form, request);
    });
  }

  function traced(path: string, serve: Endpoint): Endpoint {
    const span = { name: `mintmark${path}`, kind: SERVER_SPAN, attributes: { "http.route": path } };
    return async (request) => {
      try {
        return await (tracer === undefined ? serve(request) : inSpan(tracer, span, () => serve(request)));
      } catch (error) {
        return errorAnswer(error, { isChallenged: request.credentials !== undefined && !request.isOfPage });
      }
    };
  }

  return {
    token: endpoint(PATHS.token, { rate: "issue", perform: createTokenEndpoint(service) }),
    introspect: endpoint(PATHS.introspect, { rate: "verify", perform: createIntrospectionEndpoint(service) }),
    revoke: endpoint(PATHS.revoke, { perform: createRevocationEndpoint(service) }),
    ...(devices !== undefined && {
      deviceAuthorization: endpoint(PATHS.deviceAuthorization, {
        rate: "issue",
        perform: createDeviceAuthorizationEndpoint(devices),
      }),
    }),
    ...(registration !== undefined && { register: traced(PATHS.register, createRegistrationEndpoint(registration)) }),
    userinfo: traced(PATHS.userinfo, createUserInfoEndpoint(service)),
  };
}
