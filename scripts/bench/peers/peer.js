/** The plan of a peer, from its environment. */
export const plan = JSON.parse(process.env.BENCH_PLAN ?? "{}");

/** The claims of a token of Mintmark, without `jti` and `client_id`. */
export function claimsOf({ subject, scope, claims }) {
  const iat = Math.floor(Date.now() / 1000);
  return { ...claims, iss: plan.issuer, sub: subject, aud: plan.audience, iat, exp: iat + 900, scope };
}

export function ready(port) {
  process.stdout.write(`listening on ${port}\n`);
}
