import { parseParameters } from "../../../src/oauth/form.ts";
import { createRequestReader } from "../../../src/service/authorization/pending.ts";
import { findPresentedClient } from "../../../src/service/clients/find-presented-client.ts";
import { openMemoryStore } from "../../../src/store/memory/memory.ts";
import { addChosenClient } from "../../support/clients.ts";
import { ISSUER, NOW } from "../../support/service.ts";
import { REDIRECT_URIS } from "../http/people.ts";
import { authorizeQueries } from "../http/people-requests.ts";
import { mutate } from "../mutate.ts";
import { type Outcome, type Target, Violation } from "../target.ts";

const CLIENT = { clientId: "shop", clientSecret: "a secret of this target alone, without any other use" };
const SCOPES = ["a", "b"];
const STANDARD = ["openid", "profile", "email", "address", "phone", "offline_access"];
const ASCII = /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,300}$/;

const store = openMemoryStore();
await addChosenClient(store, CLIENT, { redirectUris: REDIRECT_URIS, scopes: SCOPES, grants: ["authorization_code"] });
const documents = { find: (clientId: string | undefined) => findPresentedClient(store, clientId) };
const { read } = createRequestReader({ store, documents, defaultAudience: () => ISSUER });

/** The reader of authorization requests: what it accepts, and where it sends an error. */
export const authorizationTarget: Target<Buffer> = {
  structured: authorizeQueries.map((query) => Buffer.from(query.replaceAll(/@W\d+@/g, CLIENT.clientId))),
  mutate,
  async examine(input): Promise<Outcome> {
    const parsed = parseParameters(input.toString("latin1"));
    if (parsed.outcome !== "read") return { what: parsed.outcome, isParsed: false };
    const { parameters, resources } = parsed.form;
    const outcome = await read(parsed.form, { now: NOW, address: undefined });
    const uri = parameters.get("redirect_uri") ?? "";
    const isProven = parameters.get("client_id") === CLIENT.clientId && isRegistered(uri);
    if ((outcome.outcome === "refused") === isProven) throw new Violation("proves client and redirect URI wrongly");
    if (outcome.outcome === "refused") return { what: outcome.reason, isParsed: true };
    const { redirectUri, state } = outcome.outcome === "error" ? outcome.receiver : targetOf(outcome.request);
    if (redirectUri !== uri || state !== parameters.get("state"))
      throw new Violation("is answered to another URI or state");
    if (outcome.outcome === "error") {
      if (!ASCII.test(outcome.error.description)) throw new Violation("describes an error in other characters");
      return { what: outcome.error.error, isParsed: true };
    }
    const fault = faultOf(parameters) ?? (resources.some((one) => one !== ISSUER) ? "resource" : undefined);
    if (fault !== undefined) throw new Violation(`is accepted with a wrong ${fault}`);
    if (outcome.request.scope !== parameters.get("scope")) throw new Violation("has another scope");
    return { what: "valid", isParsed: true };
  },
};

function isRegistered(uri: string): boolean {
  const [, port] = /^http:\/\/127\.0\.0\.1:([1-9]\d{0,4})\/callback$/.exec(uri) ?? [];
  return REDIRECT_URIS.includes(uri) || (port !== undefined && Number(port) <= 65_535);
}

type Request = { target: { kind: string; redirectUri?: string; state?: string | undefined } };

function targetOf({ target }: Request) {
  return { redirectUri: target.redirectUri, state: target.state };
}

/** The first parameter for which a request may not be accepted. */
function faultOf(parameters: ReadonlyMap<string, string>): string | undefined {
  const is: Record<string, (value: string | undefined) => boolean> = {
    response_type: (value) => value === "code",
    code_challenge_method: (value) => value === "S256",
    code_challenge: (value = "") => Buffer.from(value, "base64url").length === 32 && /^[\w-]{43}$/.test(value),
    response_mode: (value = "query") => value === "query" || value === "form_post",
    prompt: (value = "login") => {
      const all = value.split(" ");
      const isKnown = all.every((one) => ["none", "login", "consent", "select_account"].includes(one));
      return isKnown && (all.length === 1 || !all.includes("none"));
    },
    max_age: (value = "0") => /^\d{1,9}$/.test(value),
    scope: (value = "a") => value.split(" ").every((one) => [...STANDARD, ...SCOPES].includes(one)),
    state: (value = "") => value.length <= 2000 && !/\p{Cc}/u.test(value),
    nonce: (value = "") => value.length <= 500 && !/\p{Cc}/u.test(value),
    request: (value) => value === undefined,
    request_uri: (value) => value === undefined,
  };
  return Object.keys(is).find((name) => is[name]?.(parameters.get(name)) === false);
}
