import { basic, type Credentials } from "../support/call-as.ts";
import { encodeForm, FORM, type Parameters } from "../support/oauth.ts";

type Options = { signal: AbortSignal };
type Issued = { token: string; refreshToken?: string | undefined };

/** An error that an OAuth endpoint answered. */
export class OAuthRefusal extends Error {
  override readonly name = "OAuthRefusal";
  readonly status: number;
  readonly reason: string;

  constructor(status: number, { error_reason: reason = "" }: { error_reason?: string }) {
    super(reason);
    this.status = status;
    this.reason = reason;
  }
}

/** Calls the OAuth endpoints of a server, with the outputs of the procedures of the same use. */
export function createOAuthClient(url: string, credentials?: Credentials) {
  async function post(endpoint: string, parameters: Parameters, { signal }: Options): Promise<string> {
    const authorization = credentials && { authorization: basic(credentials) };
    const headers = { "content-type": FORM, ...authorization };
    const request = { method: "POST", headers, body: encodeForm(parameters), signal };
    const response = await fetch(`${url}/oauth/${endpoint}`, request);
    const text = await response.text();
    if (!response.ok) throw new OAuthRefusal(response.status, JSON.parse(text));
    return text;
  }

  async function issue(parameters: Parameters, options: Options): Promise<Issued> {
    const { access_token: token, refresh_token: refreshToken } = JSON.parse(await post("token", parameters, options));
    return { token, refreshToken };
  }

  return {
    getToken: (options: Options) => issue({ grant_type: "client_credentials" }, options),
    refreshToken: (refreshToken: string, options: Options) =>
      issue({ grant_type: "refresh_token", refresh_token: refreshToken }, options),
    /** Exchanges a code. */
    exchange: (form: Parameters, options: Options) => issue(form, options),
    revokeToken: (token: string, options: Options) => post("revoke", { token }, options),
  };
}
