import { createHash, randomBytes } from "node:crypto";
import { BETTER_AUTH, ISSUER, REDIRECT_URI, type Running } from "./contenders.ts";
import type { Flow } from "./flow.ts";
import { connectTo, get, postInput } from "./wire.ts";

type Client = { clientId: string; clientSecret: string };

const PATHS = { authorize: "/oauth/authorize", token: "/oauth/token" };
const VERIFIER = randomBytes(32).toString("base64url");
const CHALLENGE = createHash("sha256").update(VERIFIER).digest("base64url");
const SCOPE = "openid orders:read";

type FlowOptions = { client: Client; cookie: string; paths?: typeof PATHS; resource?: string };

function flowOf({ client, cookie, paths = PATHS, resource }: FlowOptions): Flow {
  const parameters = { redirect_uri: REDIRECT_URI, ...(resource !== undefined && { resource }) };
  const query = new URLSearchParams({
    ...{ client_id: client.clientId, response_type: "code", scope: SCOPE, state: "af0ifjsldkj", nonce: "n-0S6_WzA2Mj" },
    ...{ code_challenge: CHALLENGE, code_challenge_method: "S256", ...parameters },
  });
  return {
    authorize: get(`${paths.authorize}?${query}`, cookie),
    token: {
      path: paths.token,
      parameters: { grant_type: "authorization_code", code_verifier: VERIFIER, ...parameters },
      by: client,
    },
  };
}

/** The flow of a peer, with JWT access tokens. */
export async function flowOfPeer(peer: Running, client: Client): Promise<Flow> {
  const connection = await connectTo(peer.port);
  const { cookie } = JSON.parse((await connection.send(get("/session"))).body) as { cookie: string };
  connection.end();
  const isBetterAuth = peer.name === BETTER_AUTH.name;
  const paths = isBetterAuth
    ? { authorize: "/oauth2/authorize", token: "/oauth2/token" }
    : { authorize: "/auth", token: "/token" };
  return flowOf({ client, cookie, paths, resource: ISSUER });
}

type SignIn = { admin: Client; subject?: string };

/** Signs a person in at a server whose sign-in is that of an application, and returns the flow of a first-party client. */
export async function flowOfServer({ port }: Running, { admin, subject = "ada" }: SignIn): Promise<Flow> {
  const connection = await connectTo(port);
  const calling = async <Data>(procedure: string, input: object): Promise<Data> => {
    const { status, body } = await connection.send(postInput(`/trpc/${procedure}`, input, admin));
    if (status !== 200) throw new Error(`expected 200, got ${status} ${body}`);
    return (JSON.parse(body) as { result: { data: Data } }).result.data;
  };
  const fields = {
    name: "shop",
    permissions: [],
    redirectUris: [REDIRECT_URI],
    scopes: ["orders:read"],
    grants: ["authorization_code"],
    firstParty: true,
  };
  const client = await calling<Client>("clients.create", fields);
  const { authorize } = flowOf({ client, cookie: "" });
  const asked = await connection.send(authorize);
  const handle = new URL(asked.location ?? "none:").searchParams.get("handle");
  const { url } = await calling<{ url: string }>("signIn.accept", { handle, subject });
  const { pathname, search } = new URL(url);
  const signedIn = await connection.send(get(pathname + search, cookiesIn(asked.fields)));
  connection.end();
  return flowOf({ client, cookie: cookiesIn(signedIn.fields) });
}

function cookiesIn(fields: string): string {
  return [...fields.matchAll(/\r\nset-cookie: ([^;\r]*)/gi)].map(([, pair]) => pair).join("; ");
}
