import { TRPCError } from "@trpc/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTokenRouter } from "../../../src/router/router.ts";
import { localCaller } from "../../../src/service/access/caller.ts";
import type { TokenService } from "../../../src/service/service.ts";
import type { AnyClaims } from "../../../src/token/claims.ts";
import { openService } from "../../support/service.ts";
import { describeVectors, readJsonVector } from "../../support/vectors.ts";

type Request = Record<string, unknown>;

type Place = {
  /** A request with the string in this place. */
  asked: (text: string) => Request;
  /** The claims of the token at this place. */
  found: (claims: Request) => unknown;
  /** Number of accepted strings. Fixed, so that a stricter or laxer rule shows. */
  accepts: number;
};

const PLACES: Record<string, Place> = {
  // One string is empty, one has 269 characters, and six have control characters.
  "the subject": { asked: (subject) => ({ subject }), found: ({ sub }) => sub, accepts: 507 },
  "the audience": { asked: (audience) => ({ audience }), found: ({ aud }) => aud, accepts: 507 },
  // The others have characters outside of scope tokens (RFC 6749 §3.3).
  "the scope": { asked: (scope) => ({ scope }), found: ({ scope }) => scope, accepts: 197 },
  "the value of a custom claim": { asked: (x) => ({ claims: { x } }), found: ({ x }) => x, accepts: 515 },
  "a value deep in a custom claim": {
    asked: (text) => ({ claims: { x: [{ y: [text] }] } }),
    found: ({ x }) => (x as [{ y: [string] }])[0].y[0],
    accepts: 515,
  },
};

export function naughtyStrings(): void {
  describeVectors("blns", () => {
    const strings = readJsonVector<string[]>("blns/blns.json");
    let opened: Awaited<ReturnType<typeof openService<AnyClaims>>>;
    let caller: Caller;
    beforeAll(async () => {
      opened = await openService();
      caller = callerOf(opened.service);
    });
    afterAll(() => opened[Symbol.asyncDispose]());

    for (const [name, { asked, found, accepts }] of Object.entries(PLACES)) {
      test(`getToken refuses a string, or verifyToken returns it, for ${name}`, async () => {
        const outcomes = strings.map(async (text) => {
          const claims = await claimsOf(caller, asked(text));
          if (claims !== undefined) expect(found(claims)).toBe(text);
          return claims;
        });
        expect((await Promise.all(outcomes)).filter((claims) => claims !== undefined)).toHaveLength(accepts);
      });
    }

    test("getToken accepts each string as the name of a custom claim, and verifyToken returns it", async () => {
      const refused = strings.map(async (text) => {
        const claims = await claimsOf(caller, { claims: JSON.parse(`{${JSON.stringify(text)}:1}`) });
        if (claims === undefined) return [text];
        expect(claims).toHaveProperty([text], 1);
        return [];
      });
      expect((await Promise.all(refused)).flat()).toEqual([]);
    });

    test("verifyToken refuses each string as a token", async () => {
      for (const token of strings) {
        const outcome = await caller.verifyToken({ token }).catch((error: unknown) => error);
        expect(outcome).toMatchObject({ code: "UNAUTHORIZED", message: "Could not validate credentials" });
      }
    });
  });
}

function callerOf(service: TokenService) {
  return createTokenRouter(service).createCaller({ authenticate: async () => localCaller });
}

type Caller = ReturnType<typeof callerOf>;

/** The claims of a requested and verified token, or `undefined` for a refused request. */
async function claimsOf(caller: Caller, request: Request): Promise<Request | undefined> {
  const issued = await caller.getToken(request as never).catch((error: unknown) => error);
  if (issued instanceof TRPCError) {
    expect(issued.code, JSON.stringify(request)).toBe("BAD_REQUEST");
    return undefined;
  }
  const { token } = issued as { token: string };
  return caller.verifyToken({ token, ...(typeof request.audience === "string" && { audience: request.audience }) });
}
