import fc from "fast-check";
import { createTokenClient } from "../../../src/client/client.ts";
import { encodeBasic } from "../../../src/token/client-secret-basic.ts";
import { twinOf } from "../../support/ecdsa.ts";
import { ISSUER } from "../../support/service.ts";
import { keyOf } from "../keys.ts";
import { type Oracle, verdictOf } from "../oracle.ts";
import { createSignedSet, type SignedSet } from "../signed-set.ts";
import { forgedTokens } from "../tokens.ts";
import { addPeopleClients, signPeopleIn } from "./people.ts";
import type { FuzzServer } from "./server.ts";

const key = keyOf("ES256");
const FORGED = 200;
const MAX_TTL = 86400;
/** No refusal quotes them. Pages have fields with the others, or are sent them to repeat. */
const SECRETS: ReadonlySet<string> = new Set(["T", "R", "F", "A", "S"]);

/** A request on the wire, the same without chunks, and its secrets. */
export type Filled = { wire: Buffer; plain: Buffer; secrets: string[] };

export type Pool = Awaited<ReturnType<typeof openPool>>;

/**
 * The values of marks in requests, so that a mutated request still has a valid token and a right length: `@T1@` is a token,
 * `@R1@` a refresh token, `@F1@` a token that the fuzzer signed with the server's key, `@A1@` credentials, `@S1@` a secret,
 * `@C1@` the client id that belongs to it, `@L@` the length of the body, `@K@` "chunked". Of people: `@Q1@` and `@B1@` are the
 * values of their cookies, `@H1@` a handle, `@X1@` the token of a form, `@O1@` a code, `@P1@` an access token, `@I1@` an
 * `id_token`, `@U1@` a user code, `@D1@` a device code, `@W1@` a client.
 */
export async function openPool({ port, clients }: Pick<FuzzServer, "port" | "clients">) {
  const url = `http://127.0.0.1:${port}`;
  const client = createTokenClient({ url });
  const peopleClients = await addPeopleClients(url);
  const issued = createSignedSet();
  const signed = createSignedSet();
  const now = () => Math.floor(Date.now() / 1000);
  const marks: Record<string, string[]> = {
    A: Object.values(clients).map((client) => encodeBasic(client)),
    S: Object.values(clients).map(({ clientSecret }) => clientSecret),
    C: Object.values(clients).map(({ clientId }) => clientId),
  };

  /** Gets new tokens: the earlier ones may be revoked, used or expired. */
  async function refill(seed: number): Promise<void> {
    const wishes = [
      {},
      { scope: "a b" },
      { audience: "orders" },
      { audience: ["orders", "billing"] },
      { subject: "ada", expiresIn: 1 },
      { claims: { role: "x" } },
    ];
    const tokens = await Promise.all(wishes.map((wish) => client.getToken.query({ ...wish, refreshable: true })));
    for (const { token } of tokens) issued.add(token, key.alg);
    const forged = fc.sample(forgedTokens({ keys: [key], issuer: ISSUER, now }), { numRuns: FORGED, seed });
    for (const { token } of forged) signed.add(token, key.alg);
    marks.T = tokens.map(({ token }) => token);
    marks.R = tokens.map(({ refreshToken }) => refreshToken ?? "");
    marks.F = forged.map(({ token }) => token);
    Object.assign(marks, await signPeopleIn(url, peopleClients));
    for (const token of marks.P ?? []) issued.add(token, key.alg);
  }

  function fill(request: Buffer): Filled {
    const secrets: string[] = [];
    const filled = request
      .toString("latin1")
      .replace(/@([TRFASCQBHXOPIUDW])(\d{1,4})@/g, (mark, kind: string, number: string) => {
        const all = marks[kind] ?? [];
        const value = all[Number(number) % all.length] ?? mark;
        // Other tokens share the text before the signature.
        if (SECRETS.has(kind)) secrets.push(value.replace(/^Basic |^.*\./, ""));
        return value;
      });
    const end = filled.indexOf("\r\n\r\n");
    const [head, body] = end < 0 ? [filled, ""] : [filled.slice(0, end), filled.slice(end)];
    const text = body.slice(4);
    const said = head.replace("@L@", String(text.length));
    const plain = Buffer.from(said.replace("@K@", "chunked") + body, "latin1");
    if (!said.includes("@K@")) return { wire: plain, plain, secrets };
    const chunks = [...(text.match(/.{1,700}/gs) ?? []), ""];
    const cut = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("");
    return { wire: Buffer.from(`${said.replace("@K@", "chunked")}\r\n\r\n${cut}`, "latin1"), plain, secrets };
  }

  /** Whether a token may be accepted: the server issued exactly this, or the fuzzer signed it and it is valid. */
  function isGood(token: string): boolean {
    const isIn = ({ signerOf }: SignedSet) => signerOf(token) !== undefined || signerOf(twinOf(token)) !== undefined;
    if (isIn(issued)) return true;
    if (!isIn(signed)) return false;
    // The server verified it a moment ago.
    const signedBy = key.alg;
    return [0, 1, 2, 3].some((ago) => verdictOf({ token, signedBy }, oracleAt(now() - ago)) === "accepted");
  }

  return { client, fill, refill, isGood, note: (token: string) => void issued.add(token, key.alg) };
}

function oracleAt(now: number): Oracle {
  const algorithms = new Map([[key.kid, key.alg]]);
  return {
    issuer: ISSUER,
    now,
    maxLifetime: MAX_TTL,
    algorithms,
    revokedTokens: new Set(),
    revokedSubjects: new Map(),
  };
}
