import { createTokenClient } from "../../src/client/client.ts";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { serveRemote } from "./remote.ts";
import { verdictOf } from "./verifier.ts";

const { url, issuer, credentials } = JSON.parse(process.argv[2] ?? "");
const client = createTokenClient({ url, credentials });
const verifier = createVerifier({ issuer, audience: issuer, url, credentials });

const verdict = (token: string) => verdictOf(verifier.verify(token));

const calls = { rounds: 0, failures: [] as string[] };

/** The messages of an error and its causes: the first error of a failed connection says only that it failed. */
function causesOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? String(error) : `${error}: ${causesOf(error.cause)}`;
}

async function callOn(): Promise<never> {
  for (;;) {
    try {
      const { token, refreshToken = "" } = await client.getToken.query({ subject: "ada", refreshable: true });
      await client.verifyToken.mutate({ token });
      await client.refreshToken.mutate({ refreshToken });
      calls.rounds += 1;
    } catch (error) {
      calls.failures.push(causesOf(error));
    }
  }
}

/** The calls of a service that follows the token service and gets tokens from it. */
const verbs = {
  ready: () => verifier.ready,
  /** Whether the verifier receives events now. It stays live for longer than that. */
  follows: async () => verifier.state === "live" && verifier.failure === undefined,
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
  /** Starts endless calls, `callers` at a time. */
  async callOn(callers: number): Promise<void> {
    for (let caller = 0; caller < callers; caller += 1) void callOn();
  },
  /** The rounds in which the token service answered every call, and its failures. */
  calls: async () => calls,
};
export type Verbs = typeof verbs;

type Request = { verb: keyof Verbs; input: unknown };

serveRemote(({ verb, input }: Request) => (verbs[verb] as (input: unknown) => Promise<unknown>)(input));
process.once("disconnect", () => process.exit());
