import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import { RESERVED_CLAIMS } from "../../../src/token/claims.ts";
import { call } from "../../support/request.ts";
import { hostileInputs } from "../../token/attacks/issue.ts";
import type { AttackRun } from "./attack-run.ts";

/** Row 46, over HTTP. */
export function issueAttacks({ targets }: AttackRun): void {
  test("row 46: getToken refuses over HTTP what nobody may ask for", async () => {
    const inputs = hostileTexts();
    expect(inputs.length).toBeGreaterThan(150);
    for (const input of inputs) {
      const { status, error } = await call(targets.byAlg.get("ES256")?.url ?? "", "getToken", input);
      const outcome = `${status} ${error.data.reason}`;
      expect(outcome, input.slice(0, 60)).toMatch(/^(400 invalid_request|413 payload_too_large)$/);
    }
  });
}

/** Inputs that survive JSON. JSON turns the others into harmless ones. */
function hostileTexts(): string[] {
  const reserved = [...RESERVED_CLAIMS, "__proto__", "constructor", "prototype", "toJSON"].flatMap((name) =>
    ["null", '"x"', "1", '{"admin":true}', '["x"]'].map((value) => `{"claims":{"${name}":${value}}}`),
  );
  const others = Object.values(hostileInputs()).flatMap((input) => {
    try {
      const text = JSON.stringify(input);
      return isDeepStrictEqual(JSON.parse(text), input) ? [text] : [];
    } catch {
      return [];
    }
  });
  return [...reserved, ...others];
}
