import { type Connection, postForm, postInput } from "./wire.ts";

/** A sign-in of a client by a person who is signed in: an authorization, and the exchange of its code. */
export type Flow = {
  /** The authorization request, with the cookie of the session. */
  authorize: string;
  /** The token request without the code. */
  token: { path: string; parameters: Record<string, string>; by: { clientId: string; clientSecret: string } };
};

/** Performs a flow, and returns its tokens. Rejects unless the client receives all of them. */
export async function performFlow({ send }: Connection, { authorize, token }: Flow): Promise<string> {
  const answer = await send(authorize);
  const code = new URL(answer.location ?? "/", "http://127.0.0.1").searchParams.get("code");
  if (code === null) throw new Error(`expected a code, got ${answer.status} ${answer.location} ${answer.body}`);
  const { status, body } = await send(postForm(token.path, { ...token.parameters, code }, token.by));
  if (status !== 200 || !body.includes('"access_token":"ey') || !body.includes('"id_token":"ey'))
    throw new Error(`expected tokens, got ${status} ${body}`);
  return body;
}

/** Gets a token by a procedure, and passes one of its secrets to another procedure. */
export type Chain = { issue: string; field: "token" | "refreshToken"; path: string; by: Flow["token"]["by"] };

/** Performs both calls. Rejects unless both succeed. */
export async function performChain({ send }: Connection, { issue, field, path, by }: Chain): Promise<void> {
  const { body } = await send(issue);
  const { result } = JSON.parse(body) as { result?: { data: Record<Chain["field"], string> } };
  const answer = await send(postInput(path, { [field]: result?.data[field] }, by));
  if (answer.status !== 200) throw new Error(`expected 200, got ${answer.status} ${answer.body}`);
}
