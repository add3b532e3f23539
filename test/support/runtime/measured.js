/** Verifies tokens many times, for `npm run bench -- runtimes`: with Mintmark's verifier, with `jose`, or not at all. */
import { importJWK, jwtVerify } from "jose";
import { importPublicJwk } from "../../../dist/keys/public-jwk.js";
import { anyClaims } from "../../../dist/token/claims.js";
import { createTrustState } from "../../../dist/trust/trust-state.js";
import { createTokenVerifier } from "../../../dist/verifier/token-verifier.js";

/** What is measured, by algorithm: tokens that differ, and the key, imported once by each contender. */
const loaded = new Map();

async function load({ alg, jwk, issuer, tokens }) {
  loaded.set(alg, { alg, issuer, tokens, key: await importPublicJwk(jwk), joseKey: await importJWK(jwk, alg) });
}

const contenders = {
  /** A verifier of its own for each pass: its cache is empty. */
  mintmark({ key, issuer }) {
    const trust = createTrustState();
    const source = { lookup: () => key, fetchKey: async () => undefined, trust: () => trust, isStale: () => false };
    const clock = () => Math.floor(Date.now() / 1000);
    const verify = createTokenVerifier({ source, policy: () => ({ issuer }), claimsSchema: anyClaims, clock });
    return (token) => verify(token, { audience: issuer });
  },
  jose: ({ joseKey, issuer, alg }) => {
    const expected = { issuer, audience: issuer, algorithms: [alg], typ: "at+jwt" };
    return (token) => jwtVerify(token, joseKey, expected);
  },
  nothing: () => async () => {},
};

/** Loads what is to be measured, or verifies all its tokens some times. */
export async function handle(request) {
  const { load: what, contender, alg, passes = 0 } = await request.json();
  if (what !== undefined) await load(what);
  const measured = loaded.get(alg);
  for (let pass = 0; pass < passes; pass += 1) {
    const verify = contenders[contender](measured);
    for (const token of measured.tokens) await verify(token);
  }
  return Response.json({});
}
