import type { Caller } from "../service/access/caller.ts";
import type { DeviceStep, Devices } from "../service/authorization/device.ts";
import { type Answer, jsonAnswer, type TextAnswer } from "./answers.ts";
import { type BrowserEndpoint, type BrowserRequest, parametersOf } from "./browser-request.ts";
import type { Form } from "./form.ts";
import { pageAnswer } from "./page-answers.ts";
import { type OAuthRequest, scopeParameter } from "./request.ts";
import type { StepAnswers } from "./step-answers.ts";

/** Makes the device authorization endpoint (RFC 8628 §3.1), for devices. */
export function createDeviceAuthorizationEndpoint({
  start,
}: Pick<Devices, "start">): (caller: Caller, form: Form, request: OAuthRequest) => Promise<TextAnswer> {
  return async (caller, form, { address }) => {
    const asked = { scope: scopeParameter(form), resources: form.resources };
    const { deviceCode, userCode, verificationUri, verificationUriComplete, expiresIn, interval } = await start(
      caller,
      asked,
      address,
    );
    return jsonAnswer({
      device_code: deviceCode,
      user_code: userCode,
      verification_uri: verificationUri,
      verification_uri_complete: verificationUriComplete,
      expires_in: expiresIn,
      interval,
    });
  };
}

/** Makes the endpoint where people enter user codes (RFC 8628 §3.3). Without a code, a form asks for one. */
export function createUserCodeEndpoint(devices: Devices, answer: StepAnswers["answer"]): BrowserEndpoint {
  async function next({ method, browser, ...request }: BrowserRequest): Promise<DeviceStep> {
    const { parameters } = parametersOf({ method, browser, ...request });
    const userCode = parameters.get("user_code");
    if (method === "GET" || userCode === undefined) return devices.ask(userCode, browser);
    return devices.enter({ userCode, token: parameters.get("token") ?? "" }, browser);
  }

  return async (request): Promise<Answer> => {
    const step = await next(request);
    if (step.step !== "device_code") return answer(step, request);
    const { token, userCode, problem, retryAfter, cookies } = step;
    const page = pageAnswer({ name: "device-code", token, userCode, problem }, STATUS[problem ?? "none"]);
    const headers = { ...page.headers, ...(retryAfter !== undefined && { "retry-after": String(retryAfter) }) };
    return { ...page, headers, cookies };
  };
}

const STATUS = { none: 200, unknown: 400, taken: 400, too_many: 429 } as const;
