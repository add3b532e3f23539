import { createTokenClient } from "../../src/client/client.ts";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { verdictOf } from "./verifier.ts";

const { url, issuer, credentials } = JSON.parse(process.argv[2] ?? "");
const client = createTokenClient({ url, credentials });
const verifier = createVerifier({ issuer, audience: issuer, url, credentials });

const verdict = (token: string) => verdictOf(verifier.verify(token));

/** What a service does that follows the token service and asks it for tokens. */
const verbs = {
  ready: () => verifier.ready,
  state: async () => verifier.state,
  getToken: () => client.getToken.query({ subject: "ada" }),
  verifyAll: (tokens: string[]) => Promise.all(tokens.map((token) => client.verifyToken.mutate({ token }))),
  verdict,
  /** Revokes a token, and gives how many milliseconds after the answer the verifier refuses it. */
  async revoke(token: string): Promise<number> {
    await client.revokeToken.mutate({ token });
    const answered = performance.now();
    while ((await verdict(token)) === "accepted") await new Promise(setImmediate);
    return performance.now() - answered;
  },
};
export type Verbs = typeof verbs;

type Asked = { id: number; verb: keyof Verbs; input: unknown };

process.on("message", async ({ id, verb, input }: Asked) => {
  const response = await (verbs[verb] as (input: unknown) => Promise<unknown>)(input).then(
    (outcome) => ({ outcome }),
    (error: unknown) => ({ failure: String(error) }),
  );
  process.send?.({ id, ...response });
});
process.once("disconnect", () => process.exit());
