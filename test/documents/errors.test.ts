import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TRPCError } from "@trpc/server";
import { getHTTPStatusCodeFromError } from "@trpc/server/http";
import { expect, it } from "vitest";

import { catalogue, MintmarkError, type Reason } from "../../src/errors.ts";
import { toTrpcError } from "../../src/router/procedure.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/errors.md"), "utf8");
const rows = [...page.matchAll(/^\| `(\w+)` \| (\d+) \| ([^|]{10,}) \| ([^|]{5,}) \|$/gm)];

function statusOf(reason: Reason): number {
  const error: TRPCError = toTrpcError(new MintmarkError(reason));
  return getHTTPStatusCodeFromError(error);
}

it("the page on errors has every reason of the catalogue with its HTTP status, once, and no other", () => {
  const reasons = Object.keys(catalogue) as Reason[];
  const wanted = reasons.map((reason) => `${reason}: ${statusOf(reason)}`);
  expect(rows.map(([, reason, status]) => `${reason}: ${status}`).sort()).toEqual(wanted.sort());
});
