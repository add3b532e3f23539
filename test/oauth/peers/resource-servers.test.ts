import { createRequire } from "node:module";
import express, { type RequestHandler } from "express";
import { passportJwtSecret } from "jwks-rsa";
import passport from "passport";
import { ExtractJwt, Strategy } from "passport-jwt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Issuer, openIssuer, startResourceServer, tokensOf } from "../../support/peers.ts";

const require = createRequire(import.meta.url);
/** Not imported: its types set the type of `request.auth` in every Express application, and our middleware sets it too. */
const { auth } = require("express-oauth2-jwt-bearer") as { auth: (options: object) => RequestHandler };

let issuer: Issuer;
let tokens: Awaited<ReturnType<typeof tokensOf>>;
beforeAll(async () => {
  issuer = await openIssuer();
  tokens = await tokensOf(issuer);
});
afterAll(() => issuer[Symbol.asyncDispose]());

const jwksUri = () => `${issuer.issuer}/.well-known/jwks.json`;

/** Middleware of others, as their documents set it up. */
const PEERS: { name: string; checksType: boolean; open: () => RequestHandler }[] = [
  {
    name: "express-oauth2-jwt-bearer",
    checksType: true,
    open: () => auth({ issuerBaseURL: issuer.issuer, audience: tokens.audience, strict: true }),
  },
  {
    name: "express-oauth2-jwt-bearer with a JWK Set",
    checksType: true,
    open: () => auth({ issuer: issuer.issuer, jwksUri: jwksUri(), audience: tokens.audience, strict: true }),
  },
  {
    name: "passport-jwt with jwks-rsa",
    checksType: false,
    open() {
      const strategy = new Strategy(
        {
          jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
          secretOrKeyProvider: passportJwtSecret({ jwksUri: jwksUri(), cache: true, rateLimit: true }),
          issuer: issuer.issuer,
          audience: tokens.audience,
          algorithms: ["ES256"],
        },
        (claims: object, done: (error: unknown, user: object) => void) => done(null, claims),
      );
      return new passport.Passport().use(strategy).authenticate("jwt", { session: false });
    },
  },
];

describe.each(PEERS)("$name", ({ open, checksType }) => {
  let server: Awaited<ReturnType<typeof startResourceServer>>;
  beforeAll(async () => {
    // Refused by the error handler of Express, which uses the status of an error.
    const app = express().get("/orders", open(), (_request, response) => void response.json([]));
    server = await startResourceServer(app);
  });
  afterAll(() => server.close());

  it("accepts a token of ours", async () => {
    expect(await server.statusOf(tokens.good)).toBe(200);
  });

  it("refuses a request without a token, and every other token", async () => {
    expect(await server.statusOf()).toBe(401);
    for (const [name, token] of Object.entries(tokens.refused))
      expect([name, await server.statusOf(token)]).toEqual([name, 401]);
  });

  it(`${checksType ? "refuses" : "does not see"} a token of another type (RFC 9068 §4)`, async () => {
    expect(await server.statusOf(tokens.ofAnotherType)).toBe(checksType ? 401 : 200);
  });
});
