/** What every peer is told when it is started, and how it says that it listens. */
export const plan = JSON.parse(process.env.BENCH_PLAN ?? "{}");

/** The claims that Mintmark puts into a token, but for the `jti` and the client that it adds to them. */
export function claimsOf({ subject, scope, claims }) {
  const iat = Math.floor(Date.now() / 1000);
  return { ...claims, iss: plan.issuer, sub: subject, aud: plan.audience, iat, exp: iat + 900, scope };
}

export function ready(port) {
  process.stdout.write(`listening on ${port}\n`);
}
