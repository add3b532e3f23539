import { createTokenClient } from "../../src/client/client.ts";
import { createVerifier } from "../../src/verifier/verifier.ts";
import { verdictOf } from "./verifier.ts";

const { url, issuer, credentials } = JSON.parse(process.argv[2] ?? "");
const client = createTokenClient({ url, credentials });
const verifier = createVerifier({ issuer, audience: issuer, url, credentials });

const verdict = (token: string) => verdictOf(verifier.verify(token));

const calls = { rounds: 0, failures: [] as string[] };

/** All that an error says and those behind it: of a connection that has failed, the first says no more than that. */
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

/** What a service does that follows the token service and asks it for tokens. */
const verbs = {
  ready: () => verifier.ready,
  /** Whether the verifier hears of what is revoked now. It is live for longer than that. */
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
  /** Calls without an end, so many at a time. */
  async callOn(callers: number): Promise<void> {
    for (let caller = 0; caller < callers; caller += 1) void callOn();
  },
  /** How often the token service has answered all of the calls of a round, and how it failed to. */
  calls: async () => calls,
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
