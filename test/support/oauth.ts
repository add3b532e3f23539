import { basic, type Credentials } from "./call-as.ts";
import { type Answer, send } from "./request.ts";

/** The parameters of a form; a list is sent as a repeated parameter. */
export type Parameters = Record<string, string | readonly string[] | undefined>;

export type FormRequest = {
  /** Authenticates by HTTP Basic. */
  as?: Credentials | undefined;
  headers?: Record<string, string>;
};

export type FormAnswer = Answer & {
  /** The body, where it is JSON. */
  json: Record<string, unknown>;
};

export const FORM = "application/x-www-form-urlencoded";

export function encodeForm(parameters: Parameters): string {
  const pairs = Object.entries(parameters).flatMap(([name, value]) => [value ?? []].flat().map((one) => [name, one]));
  return new URLSearchParams(pairs as [string, string][]).toString();
}

/** Posts a form to an OAuth endpoint, such as `token`, below a URL. */
export async function postForm(
  url: string,
  endpoint: string,
  { parameters, as, headers = {} }: FormRequest & { parameters: Parameters },
): Promise<FormAnswer> {
  const answer = await send(`${url}/oauth/${endpoint}`, {
    method: "POST",
    headers: { "content-type": FORM, ...(as !== undefined && { authorization: basic(as) }), ...headers },
    body: encodeForm(parameters),
  });
  return { ...answer, json: isJson(answer) ? JSON.parse(answer.text) : {} };
}

function isJson({ headers }: Answer): boolean {
  return headers["content-type"] === "application/json";
}
