import { flowOfPeer, flowOfServer } from "./code-flows.ts";
import {
  ADMIN,
  BETTER_AUTH,
  ISSUER,
  MINTMARK,
  MINTMARK_IN_MEMORY,
  OIDC_PROVIDER,
  type Running,
  startContender,
} from "./contenders.ts";
import { inTables } from "./results.ts";
import { type Entry, measureRounds, type Row } from "./rounds.ts";
import type { Report } from "./support.ts";
import { connectTo, getAsBearer, postForm, postInput } from "./wire.ts";

const PEER_CLIENT = { clientId: "bench", clientSecret: "bench-secret" };
const TOKEN_REQUEST = { grant_type: "client_credentials", scope: "orders:read" };

/**
 * The OAuth endpoints beside the procedures of the same use cases, as a client with a secret; and the token endpoint beside
 * its alternatives with JWT access tokens; and whole code flows of people. Mintmark writes grants and its audit log durably, the
 * alternatives keep all in memory.
 */
export async function measure(): Promise<Report> {
  const server = await startContender(MINTMARK, {
    MINTMARK_ACCESS: "clients",
    MINTMARK_ADMIN_SECRET: ADMIN.clientSecret,
    MINTMARK_ISSUER: ISSUER,
    // Nothing listens there: the section says itself who signs in.
    MINTMARK_SIGN_IN_URL: "http://127.0.0.1:9/sign-in",
    // One client sends all calls.
    MINTMARK_RATE_ISSUE: "0",
    MINTMARK_RATE_ISSUE_ADDRESS: "0",
    MINTMARK_RATE_VERIFY: "0",
    MINTMARK_RATE_VERIFY_ADDRESS: "0",
  });
  const inMemory = await startContender(MINTMARK_IN_MEMORY);
  const peers = await Promise.all([OIDC_PROVIDER, BETTER_AUTH].map((peer) => startContender(peer)));
  try {
    const client = await addClient(server);
    const token = await issuedTo(server, client);
    const issue = [
      entry(server, "getToken", postInput("/trpc/getToken", { scope: "orders:read" }, client)),
      entry(server, "client_credentials", postForm("/oauth/token", TOKEN_REQUEST, client)),
      ...peers.map((peer) => {
        const path = peer.name === BETTER_AUTH.name ? BETTER_AUTH.paths.issue : "/token";
        return entry(peer, nameOf(peer), postForm(path, { ...TOKEN_REQUEST, resource: ISSUER }, PEER_CLIENT));
      }),
    ];
    const introspection = [
      entry(server, "introspectToken", postInput("/trpc/introspectToken", { token }, client)),
      entry(server, "introspect", postForm("/oauth/introspect", { token }, client)),
    ];
    const verification = [
      entry(server, "verifyToken", server.verify(token)),
      entry(server, "GET /verify", getAsBearer("/verify", token)),
    ];
    const flows: Entry[] = [];
    for (const [name, running] of Object.entries({ "Mintmark, durable": server, [inMemory.name]: inMemory }))
      flows.push({ name, running, requests: [await flowOfServer(running, { admin: ADMIN })] });
    for (const peer of peers)
      flows.push({ name: nameOf(peer), running: peer, requests: [await flowOfPeer(peer, PEER_CLIENT)] });
    const flowed = await measureRounds(flows);
    const issued = await measureRounds(issue);
    const introspected = await measureRounds(introspection);
    const verified = await measureRounds(verification);
    const tables = [
      { title: "Tokens for a client with a secret (ES256, Mintmark with its audit log)", unit: "tokens", rows: issued },
      { title: "Introspection by a client with a secret", unit: "tokens", rows: introspected },
      { title: "Verification for a gateway, one token a request", unit: "tokens", rows: verified },
      {
        title: "Code flows of a signed-in person: authorization, then tokens with an id_token (ES256)",
        unit: "flows",
        rows: flowed,
      },
    ];
    return inTables("oauth", tables, {
      "client_credentials against getToken": ratio(issued),
      "introspect against introspectToken": ratio(introspected),
      "/verify against verifyToken": ratio(verified),
      ...Object.fromEntries(
        flowed.slice(2).flatMap((peer) => [
          [`a durable code flow against ${peer.name}`, ratio([peer, ...flowed])],
          [`a code flow in memory against ${peer.name}`, ratio([peer, ...flowed.slice(1)])],
        ]),
      ),
    });
  } finally {
    for (const running of [server, inMemory, ...peers]) await running.stop();
  }
}

const nameOf = ({ name }: Running) => `${name.split(",")[0]}, in memory`;

const entry = (running: Running, name: string, request: string): Entry => ({ name, running, requests: [request] });

/** Processor time of the second row against the first. */
function ratio([first, second]: readonly Row[]): string {
  return first === undefined || second === undefined
    ? ""
    : `${(second.cpu / first.cpu).toFixed(2)} of the processor time`;
}

async function addClient(server: Running) {
  const permissions = ["issue", "introspect"];
  const input = { name: "bench", permissions, scopes: ["orders:read"] };
  return resultOf<{ clientId: string; clientSecret: string }>(server, postInput("/trpc/clients.create", input, ADMIN));
}

async function issuedTo(server: Running, client: typeof ADMIN): Promise<string> {
  return (await resultOf<{ token: string }>(server, postInput("/trpc/getToken", {}, client))).token;
}

async function resultOf<Data>({ port }: Running, request: string): Promise<Data> {
  const connection = await connectTo(port);
  const { status, body } = await connection.send(request);
  connection.end();
  if (status !== 200) throw new Error(`expected 200, got ${status} ${body}`);
  return (JSON.parse(body) as { result: { data: Data } }).result.data;
}
