import { mintmarkProcess } from "../support/command.ts";
import type { Fault } from "./faults.ts";
import { pickLive, type Scenario } from "./scenario.ts";
import { withdraw } from "./withdrawal-operations.ts";

/** Commands that change nothing. */
const READING = [
  ["keys", "list"],
  ["clients", "list"],
  ["resources", "list"],
  ["audit", "--limit", "1"],
];

/** Commands with the address of the data and no other variable of the servers. */
export function bareCommands(scenario: Scenario, environment: Record<string, string>): Fault[] {
  const { ledger, random } = scenario;
  const read = async () => {
    const words = random.pick(READING);
    const { status, stderr } = await mintmarkProcess(words, { environment });
    // An error about a database that another fault has hit is no breach.
    if (status !== 0 && !/database|unavailable|not ready/i.test(stderr))
      ledger.breach(`mintmark ${words.join(" ")} ended with ${status}: ${stderr.slice(0, 300)}`);
    return status === 0;
  };
  const revoke = async () => {
    const token = pickLive(scenario, ledger.tokens);
    if (token === undefined) return false;
    const { jti: id = "" } = token.handles;
    return withdraw(scenario, {
      operation: "revoke a token by a command",
      targets: [{ by: "jti", id }],
      action: "revokeToken",
      id,
      of: token,
      send: async () => succeeded(await mintmarkProcess(["token", "revoke"], { environment, input: token.text })),
    });
  };
  return [
    { weight: 4, strike: read },
    { weight: 4, strike: revoke },
  ];
}

function succeeded({ status, stderr }: { status: number | null; stderr: string }): void {
  if (status !== 0) throw new Error(stderr);
}
