import { createTokenClient } from "../../../src/client/client.ts";
import { encodeForm, postForm } from "../../support/oauth.ts";
import { CHALLENGE, VERIFIER } from "../../support/people.ts";
import { ISSUER } from "../../support/service.ts";

/** What the clients of people have registered: all that a browser may be sent to, beside the server itself. */
export const REDIRECT_URIS = [
  "https://shop.example/callback",
  "http://127.0.0.1/callback",
  "com.example.app:/callback",
];
export const BYE = "https://shop.example/bye";
export const [REDIRECT_URI = ""] = REDIRECT_URIS;

type Client = { clientId: string; clientSecret?: string | undefined };

/** Values of the marks of people; see `openPool`. */
export type PeopleMarks = Record<"Q" | "B" | "H" | "X" | "O" | "P" | "I" | "U" | "D" | "W", string[]>;

type Visited = { location: string; body: string };

const PEOPLE = ["ada", "grace"];

/** Adds clients of people: one that needs no consent, one that does, and a public one. */
export async function addPeopleClients(url: string): Promise<Client[]> {
  const { clients } = createTokenClient({ url });
  const uris = { redirectUris: REDIRECT_URIS, postLogoutRedirectUris: [BYE] };
  const grants = ["authorization_code" as const, "refresh_token" as const, "device_code" as const];
  const fields = { permissions: [], scopes: ["a", "b"], grants, ...uris };
  return [
    await clients.create.mutate({ ...fields, name: "first", firstParty: true }),
    await clients.create.mutate({ ...fields, name: "third" }),
    await clients.create.mutate({ ...fields, name: "public", authMethod: "none" }),
  ];
}

/** Signs people in, and stops before some of the steps, so that there is a value of every kind that a browser can hold. */
export async function signPeopleIn(url: string, clients: readonly Client[]): Promise<PeopleMarks> {
  const marks: PeopleMarks = {
    ...{ Q: [], B: [], H: [], X: [], O: [], P: [], I: [], U: [], D: [] },
    W: idsOf(clients),
  };
  const [first, ...others] = clients;
  if (first === undefined) return marks;
  for (const subject of PEOPLE) {
    const browser = openBrowser(url);
    note(marks, await browser.authorize(first));
    const code = await browser.signIn(await browser.authorize(first), subject);
    note(marks, await browser.visit("/oauth/logout"));
    for (const client of others) note(marks, await browser.authorize(client));
    const { json } = await exchange(url, first, code);
    marks.P.push(String(json.access_token));
    marks.I.push(String(json.id_token));
    marks.O.push(code, await browser.codeFor(first));
    marks.Q.push(browser.cookie("session"));
    marks.B.push(browser.cookie("key"));
    const device = await postForm(url, "device", { parameters: { scope: "openid a" }, as: credentialsOf(first) });
    marks.U.push(String(device.json.user_code));
    marks.D.push(String(device.json.device_code));
    note(marks, await browser.visit(`/device?user_code=${device.json.user_code}`));
  }
  return marks;
}

const idsOf = (clients: readonly Client[]) => clients.map(({ clientId }) => clientId);
const credentialsOf = ({ clientId, clientSecret = "" }: Client) => ({ clientId, clientSecret });

function note({ H, X }: PeopleMarks, page: Visited): void {
  for (const [name, values] of [
    ["handle", H],
    ["token", X],
  ] as const) {
    const value = fieldIn(page, name);
    if (value !== undefined) values.push(value);
  }
}

/** The value of a hidden field. */
function fieldIn({ body }: Visited, name: string): string | undefined {
  return new RegExp(`name="${name}" value="([\\w-]{43})"`).exec(body)?.[1];
}

function exchange(url: string, client: Client, code: string) {
  const parameters = { grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER };
  return postForm(url, "token", { parameters, as: credentialsOf(client) });
}

/** A browser at a server whose issuer has another port: it sends the origin of the issuer, and follows no redirect. */
function openBrowser(url: string) {
  const cookies = new Map<string, string>();

  async function visit(path: string, form?: Record<string, string>): Promise<Visited> {
    const cookie = Array.from(cookies, ([name, value]) => `${name}=${value}`).join("; ");
    const body = form && new URLSearchParams(form);
    const headers = { cookie, ...(body !== undefined && { origin: ISSUER, "sec-fetch-site": "same-origin" }) };
    const init = { method: body === undefined ? "GET" : "POST", headers, redirect: "manual" as const };
    const response = await fetch(url + path, body === undefined ? init : { ...init, body });
    for (const header of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(header) ?? [];
      cookies.set(name, value);
    }
    return { location: response.headers.get("location") ?? "", body: await response.text() };
  }

  const authorize = ({ clientId }: Client) =>
    visit(
      `/oauth/authorize?${encodeForm({
        ...{ client_id: clientId, redirect_uri: REDIRECT_URI, response_type: "code", scope: "openid a" },
        ...{ code_challenge: CHALLENGE, code_challenge_method: "S256" },
      })}`,
    );
  const codeIn = ({ location }: Visited) => /[?&]code=([^&]*)/.exec(location)?.[1] ?? "";
  return {
    visit,
    authorize,
    cookie: (word: string) => cookies.get(`mintmark-${word}-${new URL(ISSUER).port}`) ?? "",
    async signIn(page: Visited, subject: string): Promise<string> {
      const [handle = "", token = ""] = ["handle", "token"].map((name) => fieldIn(page, name));
      return codeIn(await visit("/oauth/continue", { handle, token, subject, claims: "{}" }));
    },
    codeFor: async (client: Client) => codeIn(await authorize(client)),
  };
}
