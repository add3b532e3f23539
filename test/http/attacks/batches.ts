import { expect } from "vitest";
import { basic, callAs } from "../../support/call-as.ts";
import { addClient } from "../../support/clients.ts";
import { ask, openTarget, post } from "../../support/http-attacks.ts";
import type { Suite } from "./rows.ts";

const SEPARATORS = [",", "%2C", "%2c"];
/** What a lenient server might take for a separator, or decode to one. */
const OTHERS = ["%252C", "%EF%BC%8C", ";", "%3B", "|", "+", "%20", "/", "%2F", "%00", "%5C", "."];

export function batchAttacks({ row, open, client }: Suite): void {
  for (const separator of SEPARATORS) {
    row("batch amplification", `a batch of 51 calls by ${separator} is refused before any ran`, async () => {
      for (const query of ["?batch=1", "?batch=1&batch=1", ""]) {
        const names = (count: number) => Array(count).fill("getToken").join(separator);
        const { status, reasons } = await ask(open.url, `${names(51)}${query}`);
        expect({ status, reasons }).toEqual({ status: 400, reasons: ["batch_too_large"] });
      }
      const mixed = Array.from({ length: 4000 }, (_, at) => `getToken${SEPARATORS[at % 3]}`).join("");
      expect((await ask(open.url, `${mixed.slice(0, 12_000)}?batch=1`)).reasons).toEqual(["batch_too_large"]);
    });
  }

  row("batch amplification", "no other character separates calls", async () => {
    for (const separator of OTHERS) {
      const { status, reasons } = await ask(open.url, `getToken${separator}getToken?batch=1`);
      expect([separator, status, reasons]).toEqual([separator, 404, ["not_found"]]);
    }
  });

  row("batch amplification", "inputs of more calls than are named make none of them run", async () => {
    const inputs = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [at, {}]));
    expect((await ask(open.url, "getToken?batch=1", post(inputs))).reasons).toEqual(["malformed_request"]);
    expect((await ask(open.url, "verifyToken?batch=1", post([{}, {}, {}]))).status).toBe(400);
  });

  row(
    "batch amplification",
    "each call of a batch counts against the rate, and 429 says when to come again",
    async () => {
      await using target = await openTarget({ rateLimits: { verify: { perAddress: 60 }, issue: { perClient: 1 } } });
      const verify = async () => {
        const call = { procedure: Array(50).fill("verifyToken").join(","), input: { token: "bad" } };
        return (await callAs(target.url, call)).reasons;
      };
      expect(new Set(await verify())).toEqual(new Set(["invalid_token"]));
      expect(await verify()).toEqual([...Array(10).fill("invalid_token"), ...Array(40).fill("rate_limited")]);
      const { status, headers, reason, error } = await callAs(target.url, {
        procedure: "verifyToken",
        input: { token: "" },
      });
      expect({ status, reason, code: error?.data.code }).toEqual({
        status: 429,
        reason: "rate_limited",
        code: "TOO_MANY_REQUESTS",
      });
      expect(Number(headers["retry-after"])).toBeGreaterThan(0);
      expect(Number(headers["retry-after"])).toBeLessThanOrEqual(60);
      const { reasons } = await ask(target.url, "getToken,getToken?batch=1");
      expect(reasons.toSorted()).toEqual(["rate_limited", "served"]);
    },
  );

  row("batch mixing for brute force", "one request guesses with one secret, and each call of it counts", async () => {
    await using target = await openTarget({ open: false });
    const { clientId } = await addClient(target.service, { permissions: ["issue"] });
    const authorization = basic({ clientId, clientSecret: client.clientSecret });
    const procedure = [...Array(20).fill("getToken"), ...Array(20).fill("keys.list")].join(",");
    const { reasons } = await callAs(target.url, { procedure, authorization });
    expect(reasons.filter((reason) => reason === "invalid_client")).toHaveLength(10);
    expect(reasons.filter((reason) => reason === "too_many_attempts")).toHaveLength(30);
  });
}
